#!/bin/sh
# Go for wasip1. The same release makes the same bytes everywhere.
#
#   wasm-go.sh id           print the release
#   wasm-go.sh sources DIR  print the SHA-256 of all that the program in DIR is made of, but for the standard library
#   wasm-go.sh build DIR    build the program; print the path of the .wasm file
set -eu
cd "$(dirname "$0")/../.."
export GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 GOFLAGS=

case "$1" in
id) go env GOVERSION ;;
sources)
    files='{{if not .Standard}}{{range .GoFiles}}{{$.Dir}}/{{.}}{{"\n"}}{{end}}{{range .SFiles}}{{$.Dir}}/{{.}}{{"\n"}}{{end}}{{end}}'
    go list -deps -f "$files" "./$2" | sed '/^$/d' | xargs cat | sha256sum | cut -d' ' -f1
    ;;
build)
    out=.cache/go/$(basename "$2").wasm
    mkdir -p "$(dirname "$out")"
    go build -trimpath -buildvcs=false -ldflags='-s -w' -o "$out" "./$2"
    echo "$PWD/$out"
    ;;
*) sed -n '2,6s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
