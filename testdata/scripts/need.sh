#!/usr/bin/env bash
# need.sh PROGRAM... : makes sure that these programs are there. As root on Debian they are installed, otherwise one
# line says what to install.
set -euo pipefail

package_of() {
  case $1 in
    java) echo default-jre-headless ;;
    javac) echo default-jdk-headless ;;
    mvn) echo maven ;;
    pip) echo python3-pip ;;
    keytool) echo default-jre-headless ;;
    wat2wasm) echo wabt ;;
    gcc) echo gcc libc6-dev ;;
    *) echo "$1" ;;
  esac
}

present() {
  case $1 in
    pip) python3 -m pip --version >/dev/null 2>&1 ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
  esac
}

missing=()
for program in "$@"; do
  present "$program" && continue
  read -ra packages <<<"$(package_of "$program")"
  missing+=("${packages[@]}")
done
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "please install first: ${missing[*]} (Debian's names)" >&2
  exit 1
fi
echo "installing ${missing[*]}" >&2
log=$(mktemp)
{ apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"; } \
  >"$log" 2>&1 || { tail -20 "$log" >&2; echo "apt-get could not install ${missing[*]}" >&2; exit 1; }
rm -f "$log"
