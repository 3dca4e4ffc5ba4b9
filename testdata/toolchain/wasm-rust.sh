#!/bin/sh
# The Rust tool chain for wasm32-wasip1.
#
#   wasm-rust.sh install         install the pinned Debian 12 packages (needs root)
#   wasm-rust.sh ensure          the same unless some tool chain is there
#   wasm-rust.sh id              print which tool chain is found; exit 1 if none
#   wasm-rust.sh build DIR BIN [FEATURES]   build bin BIN of the crate in DIR; print the path of the .wasm file
#
# The pinned tool chain makes the same bytes everywhere. Where it is not installed, a rustup target builds a module
# that passes the same tests but differs in bytes; WASM_RUST=rustup asks for that one.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
pinned=$here/wasm-rust.pinned
root=$(cd "$here/../.." && pwd)
target=wasm32-wasip1

pinned_is_installed() {
    while read -r package version; do
        [ "$(dpkg-query -W -f '${Version}' "$package" 2>/dev/null)" = "$version" ] || return 1
    done <"$pinned"
}

rustup_is_installed() {
    command -v rustup >/dev/null 2>&1 && rustup target list --installed 2>/dev/null | grep -qx "$target"
}

find_toolchain() {
    if [ "${WASM_RUST:-}" != rustup ] && pinned_is_installed; then
        echo pinned
    elif rustup_is_installed; then
        echo rustup
    else
        echo "no Rust tool chain for $target: run '$0 install' (Debian 12) or 'rustup target add $target'" >&2
        return 1
    fi
}

identify() {
    case $(find_toolchain) in
    pinned) tr '\n' ' ' <"$pinned" | tr ' ' '_' | sed 's/_$//; s/^/debian12:/' && echo ;;
    rustup) rustc --version | sed 's/^/rustup:/; s/ /_/g' ;;
    *) return 1 ;;
    esac
}

# Cargo names a crate by its path within the workspace, so the crate and the SDK are copied into a workspace of their
# own: then the bytes don't depend on where the project lies. Profiles count only at the root of a workspace. All crates
# take turns there, since the standard library is built again for each set of flags, and the flags name the place. What
# has not changed keeps its time and is not built again.
stage() {
    dir=$1
    stage=$2
    rm -rf "$stage"
    for crate in guest-sdk/rust "${dir#"$root"/}"; do
        mkdir -p "$stage/$crate"
        cp -pR "$root/$crate/src" "$root/$crate/Cargo.toml" "$stage/$crate"
    done
    cp "$dir/Cargo.lock" "$stage/Cargo.lock"
    {
        printf '[workspace]\nresolver = "2"\nmembers = ["%s"]\n' "${dir#"$root"/}"
        sed -n '/^\[profile/,$p' "$dir/Cargo.toml"
    } >"$stage/Cargo.toml"
    sed -i '/^\[profile/,$d' "$stage/${dir#"$root"/}/Cargo.toml"
}

# With bulk-memory and SIMD: the engine makes memory.copy a direct call of the host's memmove, and whole batches are
# searched for line ends and checked for ASCII 16 bytes at a time. Paths of this machine must not reach the artefact.
features=+bulk-memory,+simd128
remap() {
    printf '%s\037' "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src=/crates" \
        "--remap-path-prefix=$1=/berth"
}

build() {
    dir=$(cd "$1" && pwd)
    bin=$2
    crate_features=${3:-}
    export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$here/target}"
    mkdir -p "$CARGO_TARGET_DIR"
    exec 9>"$CARGO_TARGET_DIR/stage.lock"
    flock 9
    stage=$CARGO_TARGET_DIR/stage
    kind=$(find_toolchain)
    stage "$dir" "$stage"
    if [ "$kind" = pinned ]; then
        libc=/usr/lib/wasm32-wasi
        src=$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust
        flags=$(remap "$stage")$(printf '%s\037' "--remap-path-prefix=$(readlink -f "$src")=/rust" \
            "--remap-path-prefix=$src=/rust" "-Ctarget-feature=$features" -Clink-self-contained=no \
            "-Clink-arg=$libc/crt1-command.o")
        flags=$flags-Clink-arg=-L$libc
        (cd "$stage" && PATH=/usr/bin:$PATH RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_ENCODED_RUSTFLAGS=$flags \
            CARGO_TARGET_WASM32_WASIP1_LINKER=wasm-ld-14 \
            /usr/bin/cargo build --locked --quiet --release -Zbuild-std=std,panic_abort --target $target \
            --bin "$bin" --features "$crate_features" >&2)
    else
        flags=$(remap "$stage")-Ctarget-feature=$features
        (cd "$stage" && CARGO_ENCODED_RUSTFLAGS=$flags \
            cargo build --locked --quiet --release --target $target --bin "$bin" \
            --features "$crate_features" >&2)
    fi
    echo "$CARGO_TARGET_DIR/$target/release/$bin.wasm"
}

install() {
    # shellcheck disable=SC2046  # one word per package
    apt-get install -y --no-install-recommends $(awk '{ print $1 "=" $2 }' "$pinned")
}

ensure() {
    find_toolchain >/dev/null 2>&1 && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        { apt-get update -q && install; } >/dev/null
    fi
    find_toolchain >/dev/null
}

case "${1:-}" in
install) install ;;
ensure) ensure ;;
id) identify ;;
build) build "$2" "$3" "${4:-}" ;;
*)
    sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
