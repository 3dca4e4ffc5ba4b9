#!/bin/sh
# The Rust tool chain for wasm32-wasip1.
#
#   wasm-rust.sh install         install the pinned Debian 12 packages (needs root)
#   wasm-rust.sh id              print which tool chain is found; exit 1 if none
#   wasm-rust.sh build DIR BIN   build bin BIN of the crate in DIR; print the path of the .wasm file
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

id() {
    case $(find_toolchain) in
    pinned) tr '\n' ' ' <"$pinned" | tr ' ' '_' | sed 's/_$//; s/^/debian12:/' && echo ;;
    rustup) rustc --version | sed 's/^/rustup:/; s/ /_/g' ;;
    *) return 1 ;;
    esac
}

# Paths of this machine must not reach the artefact, and neither must the order in which code units are compiled.
remap() {
    cargo_home=${CARGO_HOME:-$HOME/.cargo}
    printf '%s\037' "--remap-path-prefix=$cargo_home/registry/src=/crates" "--remap-path-prefix=$root=/berth"
}

build() {
    dir=$(cd "$1" && pwd)
    bin=$2
    out=${CARGO_TARGET_DIR:-$dir/target}/$target/release/$bin.wasm
    kind=$(find_toolchain)
    if [ "$kind" = pinned ]; then
        libc=/usr/lib/wasm32-wasi
        src=$(rustc_web --print sysroot)/lib/rustlib/src/rust
        flags=$(remap)$(printf '%s\037' "--remap-path-prefix=$(readlink -f "$src")=/rust" "--remap-path-prefix=$src=/rust" \
            -Clink-self-contained=no "-Clink-arg=$libc/crt1-command.o")"-Clink-arg=-L$libc"
        (cd "$dir" && PATH=/usr/bin:$PATH RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_ENCODED_RUSTFLAGS=$flags \
            CARGO_TARGET_WASM32_WASIP1_LINKER=wasm-ld-14 \
            /usr/bin/cargo build --locked --quiet --release -Zbuild-std=std,panic_abort --target $target --bin "$bin" >&2)
    else
        flags=$(remap)-Cstrip=symbols
        (cd "$dir" && CARGO_ENCODED_RUSTFLAGS=$flags \
            cargo build --locked --quiet --release --target $target --bin "$bin" >&2)
    fi
    echo "$out"
}

rustc_web() { /usr/bin/rustc "$@"; }

case "${1:-}" in
install)
    # shellcheck disable=SC2046  # one word per package
    apt-get install -y --no-install-recommends $(awk '{ print $1 "=" $2 }' "$pinned")
    ;;
id) id ;;
build) build "$2" "$3" ;;
*)
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
