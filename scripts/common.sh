# Shared by ./start and ./test. Sourced, with the project's root as working directory.

# The build may live outside the clone, so that a fresh clone finds an older build's libraries.
export CARGO_TARGET_DIR="${LONGWAVE_TARGET_DIR:-${CARGO_TARGET_DIR:-$PWD/target}}"
# The environment of Python lies beside the build, for the same reason.
VENV="$CARGO_TARGET_DIR/venv"
BIN="$CARGO_TARGET_DIR/release"

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# install_missing COMMAND-OR-FILE=PACKAGE ...: installs the Debian packages whose command or file is
# not there. A glob may stand for the file.
install_missing() {
  local pair probe missing=()
  for pair in "$@"; do
    probe="${pair%%=*}"
    command -v "$probe" >/dev/null 2>&1 && continue
    compgen -G "$probe" >/dev/null && continue
    missing+=("${pair#*=}")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  say "installing: ${missing[*]}"
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "please install ${missing[*]} (no root, no sudo)"
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -q
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
}

# What the build needs: a C compiler for zstd and SQLite, libclang for the headers of one of Vortex's
# libraries.
build_needs() {
  command -v cargo >/dev/null 2>&1 || {
    [ -f "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"
  }
  command -v cargo >/dev/null 2>&1 || die "no cargo: install Rust 1.95 or newer (https://rustup.rs)"
  install_missing cc=build-essential pkg-config=pkg-config '/usr/lib/llvm-*/lib/libclang*.so*=libclang-dev'
}

# What the tests need besides.
test_needs() {
  install_missing psql=postgresql-client git=git curl=curl python3=python3 \
    '/usr/lib/python3*/ensurepip=python3-venv' \
    node=nodejs npm=npm java=default-jdk-headless '/usr/share/java/postgresql.jar=libpostgresql-jdbc-java'
}

# A Python environment with the pinned packages, made anew only when the pins change.
python_env() {
  local mark="$VENV/.made" want
  want="$(sha256sum tests/requirements.txt | cut -d' ' -f1)"
  [ "$(cat "$mark" 2>/dev/null)" = "$want" ] && return 0
  say "Python environment"
  rm -rf "$VENV"
  python3 -m venv "$VENV"
  "$VENV/bin/pip" install -q --disable-pip-version-check -r tests/requirements.txt
  echo "$want" > "$mark"
}

# A free TCP port.
free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# start_server DIR SQL_PORT HTTP_PORT: starts the built server and waits for it; SERVER_PID is its id.
start_server() {
  "$BIN/longwave" serve --data-dir "$1" --sql-addr "127.0.0.1:$2" --http-addr "127.0.0.1:$3" \
    > "$1.log" 2>&1 &
  SERVER_PID=$!
  local i
  for i in $(seq 1 600); do
    curl -fs "http://127.0.0.1:$3/health" >/dev/null 2>&1 && return 0
    kill -0 "$SERVER_PID" 2>/dev/null || { cat "$1.log"; die "the server did not start"; }
    sleep 0.1
  done
  cat "$1.log"
  die "the server did not answer within 60 s"
}
