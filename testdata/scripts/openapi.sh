#!/usr/bin/env bash
# openapi.sh [URL]: requests made from /openapi.json, by schemathesis, against the worker at URL, else one of its own: its
# answers must have the statuses, media types and schemas that it describes, and none may be an error of the server.
# SECONDS_MAX (60) bounds the run.
set -euo pipefail
cd "$(dirname "$0")/../.."
testdata/scripts/need.sh python3
. testdata/kafka/lib.sh
requirements=testdata/openapi/requirements.txt url=${1:-}
dir=$(mktemp -d)
trap 'end "$dir/pid" TERM; rm -rf "$dir"' EXIT

venv=$cache/openapi-python-$(sha256sum "$requirements" | cut -c1-12)
if [ ! -e "$venv/done" ]; then
  python3 -c 'import ensurepip' 2>/dev/null || need pyvenv python3-venv # Debian keeps it apart
  python3 -m venv "$venv" >&2
  "$venv/bin/pip" install -q --disable-pip-version-check -r "$requirements" >&2 ||
    fail "installing $requirements failed, see above"
  touch "$venv/done"
fi

if [ -z "$url" ]; then
  CGO_ENABLED=0 go build -trimpath -o "$dir/berth" .
  port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
  url=http://127.0.0.1:$port
  launch "$dir/pid" "$dir/log" "$dir/berth" dev -data "$dir/data" -listeners "$url" -allow-dir "$dir"
fi
"$venv/bin/st" run "$url/openapi.json" --wait-for-schema 60 --max-time "${SECONDS_MAX:-60}" --mode positive --workers 2 \
  --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
  --request-timeout 100 --continue-on-failure --warnings off --no-color --generation-database none
