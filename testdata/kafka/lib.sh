# Parts of the scripts that start servers: jars from Maven Central and processes behind pid files. Sourced.
set -euo pipefail
cache=${XDG_CACHE_HOME:-$HOME/.cache}/berth-testdata

fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# need PROGRAM PACKAGE: installs a missing program when it may, otherwise says what to install.
need() {
  command -v "$1" >/dev/null && return
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || fail "$1 is missing: install the package $2"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2"; } >&2
}

# fetch_jars DIR G:A:V...: fills DIR with these artifacts and what they need; a DIR that is there is complete.
fetch_jars() {
  local dir=$1 part a g v deps=; shift
  [ -d "$dir" ] && return
  need java default-jre-headless; need mvn maven
  for a in "$@"; do
    IFS=: read -r g a v <<<"$a"
    deps+="<dependency><groupId>$g</groupId><artifactId>$a</artifactId><version>$v</version></dependency>"
  done
  part=$dir.part.$$; mkdir -p "$part"
  printf '<project><modelVersion>4.0.0</modelVersion><groupId>berth</groupId><artifactId>testdata</artifactId>%s' \
    "<version>1</version><packaging>pom</packaging><dependencies>$deps</dependencies></project>" >"$part/pom.xml"
  mvn -q -B -f "$part/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$part" >&2 ||
    fail "fetching the jars with maven failed, see above"
  # Another run may have been quicker; both copies are the same.
  mv -T "$part" "$dir" 2>/dev/null || rm -rf "$part"
}

# fetch_connect_jars: Kafka Connect's own worker with the file connectors, in $connect_jars.
connect_jars=$cache/connect-4.1.1
fetch_connect_jars() {
  fetch_jars "$connect_jars" org.apache.kafka:connect-runtime:4.1.1 org.apache.kafka:connect-file:4.1.1 \
    org.apache.logging.log4j:log4j-slf4j-impl:2.25.1 org.apache.logging.log4j:log4j-core:2.25.1
}

# A pid file holds "PID START": the start time keeps a reused pid from being taken for ours.
started_at() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
alive() { local p s; [ -s "$1" ] && read -r p s <"$1" && [ "$(started_at "$p")" = "$s" ]; }

# launch PIDFILE LOG COMMAND...: in a session of its own, so that a terminal's Ctrl-C does not reach it.
launch() {
  local pidfile=$1 log=$2; shift 2
  setsid "$@" >>"$log" 2>&1 </dev/null &
  local p=$! s; s=$(started_at "$p") || true
  echo "$p $s" >"$pidfile"
}

# end PIDFILE SIGNAL: returns when the process is gone; KILL follows after 20 s.
end() {
  local p n=0; alive "$1" || { rm -f "$1"; return 0; }
  read -r p _ <"$1"; kill -s "$2" "$p"
  while alive "$1"; do
    n=$((n + 1)); [ $n -ne 200 ] || kill -s KILL "$p"
    sleep 0.1
  done
  rm -f "$1"
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# await_port PORT PIDFILE LOG: within 3 minutes (a broker looks through all its logs after a kill), while the process lives.
await_port() {
  local n=0
  until answers "$1"; do
    n=$((n + 1))
    if ! alive "$2" || [ $n -gt 1800 ]; then tail -20 "$3" >&2; fail "port $1 did not open"; fi
    sleep 0.1
  done
}
