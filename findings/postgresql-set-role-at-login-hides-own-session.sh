#!/usr/bin/env bash
# A login role that runs as another role by ALTER ROLE … SET role cannot see its own session in pg_stat_activity.
#
# A good guess: with two login roles that run as one application role, a password can be changed while the application
#   works, and every object has one owner. ALTER ROLE login SET role = 'app' does it at each login. Everybody may see their
#   own sessions in pg_stat_activity, so nothing changes for who looks at them: the application, its health checks.
# What is true: what a session may see of another is decided by the role that it runs as, and a session belongs to the role
#   that has logged in. The application role is not a member of the login role, so query, state, client_addr and the row of
#   pg_stat_ssl are hidden, also of the very session that asks. A health check that looks for its own TLS finds none.
#   What to do: SET ROLE NONE before looking, ask the driver, or grant pg_read_all_stats to the application role.
# Tool: PostgreSQL 16.2, as packaged in pgserver 0.1.4. PostgreSQL 15.20 and 17.12 of Debian do the same.
# Needs: Linux on x86_64; Python 3.9 or newer with pip; setpriv (util-linux) if it is run by root.
#
# Output seen:
#   app logs in: app sees its own query: SELECT ...
#   login_a logs in, runs as app: app sees its own query: <insufficient privilege>
#   login_a logs in, SET ROLE NONE: login_a sees its own query: SELECT ...
set -euo pipefail

[ "$(uname -sm)" = "Linux x86_64" ] || { echo "needs Linux on x86_64" >&2; exit 2; }
python3 -m pip --version > /dev/null 2>&1 || { echo "needs Python 3.9 or newer with pip" >&2; exit 2; }
as_user=()
if [ "$(id -u)" = 0 ]; then  # the server refuses to be run by root
    command -v setpriv > /dev/null || { echo "needs setpriv, or a user other than root" >&2; exit 2; }
    as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups --)
fi
work=$(mktemp -d)
bin="$work/wheel/pgserver/pginstall/bin"
cleanup() {
    "${as_user[@]}" "$bin/pg_ctl" --pgdata="$work/run/data" --mode=immediate stop > /dev/null 2>&1 || true
    rm -rf -- "$work"
}
trap cleanup EXIT
# The wheel is only unpacked, so the version of the Python that is here does not matter.
python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$work" --only-binary=:all: \
    --python-version 3.12 --platform manylinux_2_17_x86_64 pgserver==0.1.4 >&2
python3 -m zipfile -e "$work"/pgserver-*.whl "$work/wheel"
chmod +x "$bin"/*
chmod 711 "$work"
mkdir "$work/run"
if [ "$(id -u)" = 0 ]; then chown 65534:65534 "$work/run"; fi

cd "$work/run"
"${as_user[@]}" "$bin/initdb" --pgdata=data --auth=trust --username=postgres --locale=C --no-sync > initdb.log
"${as_user[@]}" "$bin/pg_ctl" --pgdata=data --log=server.log -o "-k '$PWD' -c listen_addresses=''" -w start > pg_ctl.log
sql() { "${as_user[@]}" "$bin/psql" -X -q --host="$PWD" --username="$1" --dbname=postgres --tuples-only --no-align 2>&1; }

sql postgres > setup.log << 'SQL'
CREATE ROLE app LOGIN;
CREATE ROLE login_a LOGIN NOINHERIT IN ROLE app;
ALTER ROLE login_a SET role = 'app';
SQL
own="SELECT current_user || ' sees its own query: ' || regexp_replace(query, '^SELECT.*', 'SELECT ...')
       FROM pg_stat_activity WHERE pid = pg_backend_pid();"
{
    echo "app logs in: $(sql app <<< "$own")"
    echo "login_a logs in, runs as app: $(sql login_a <<< "$own")"
    echo "login_a logs in, SET ROLE NONE: $(sql login_a <<< "SET ROLE NONE; $own")"
} > output

cat output
cd "$OLDPWD"
sed -n '/^# Output seen:/,/^set/s/^#   //p' "$0" | diff -u - "$work/run/output" ||
    { echo "PostgreSQL behaves differently from what is described here" >&2; exit 1; }
