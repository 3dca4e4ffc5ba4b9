#!/usr/bin/env bash
# demo.sh: fetches the data set, builds the plugin that is uploaded and plays the demo. DEMO_ONCE=1 ends by itself,
# DEMO_RATE sets the records a second.
set -euo pipefail
cd "$(dirname "$0")/../.."
package=airportsdata version=20241001
testdata/scripts/need.sh python3 pip
dir=$(mktemp -d)
trap 'if [ $? = 0 ]; then rm -rf "$dir"; else echo "the files of the demo are in $dir" >&2; fi' EXIT
cache=.cache/$package-$version
if [ ! -e "$cache/done" ]; then
  echo "fetching the airports of the world ($package $version)"
  python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: -d "$cache" "$package==$version"
  touch "$cache/done"
fi
echo "building the plugin testdata/demo/airport (Go) and the demo"
bin/berth plugin build -o "$dir/csv-to-json.wasm" testdata/demo/airport/module
go build -o "$dir/demo" ./testdata/demo
"$dir/demo" -data "$(echo "$cache"/*.whl)" -plugin "$dir/csv-to-json.wasm" -dir "$dir" -rate "${DEMO_RATE:-3000}" \
  ${DEMO_ONCE:+-once}
