#!/usr/bin/env bash
# REFRESH MATERIALIZED VIEW CONCURRENTLY fails if the view's owner lacks TEMPORARY on the database, even for superusers.
#
# A good guess: the owner of a materialized view may refresh it, and CONCURRENTLY needs a unique index and nothing more.
#   A database whose privileges were taken from PUBLIC and granted one by one does without TEMPORARY, because nobody in
#   there creates temporary tables. A plain REFRESH confirms it, and a superuser is not asked for privileges anyhow.
# What is true: CONCURRENTLY puts the new rows into a temporary table first, as the view's owner. Without TEMPORARY it
#   fails with a message about temporary tables, which nobody asked for. A superuser gets the same error, because the
#   refresh runs with the owner's privileges whoever starts it. What to do: GRANT TEMPORARY ON DATABASE … to the owner.
# Tool: PostgreSQL 16.2, as packaged in pgserver 0.1.4. PostgreSQL 15.20 of Debian 12 does the same.
# Needs: Linux on x86_64; Python 3.9 or newer with pip; setpriv (util-linux) if it is run by root.
#
# Output seen:
#   owner, REFRESH: REFRESH MATERIALIZED VIEW
#   owner, REFRESH CONCURRENTLY: ERROR:  permission denied to create temporary tables in database "shop"
#   superuser, REFRESH CONCURRENTLY: ERROR:  permission denied to create temporary tables in database "shop"
#   superuser, GRANT TEMPORARY to the owner: GRANT
#   owner, REFRESH CONCURRENTLY: REFRESH MATERIALIZED VIEW
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
sql() { "${as_user[@]}" "$bin/psql" -X --host="$PWD" --username="$1" --dbname="$2" --command="$3" 2>&1; }

{
    sql postgres postgres 'CREATE ROLE owner LOGIN'
    sql postgres postgres 'CREATE DATABASE shop'
    sql postgres shop 'REVOKE ALL ON DATABASE shop FROM PUBLIC; GRANT CONNECT, CREATE ON DATABASE shop TO owner'
    sql owner shop 'CREATE SCHEMA sales
        CREATE TABLE orders (customer bigint, amount numeric)
        CREATE VIEW totals AS SELECT customer, sum(amount) AS total FROM orders GROUP BY customer'
    sql owner shop 'CREATE MATERIALIZED VIEW sales.report AS SELECT * FROM sales.totals'
    sql owner shop 'CREATE UNIQUE INDEX ON sales.report (customer)'
} > setup.log
try() { echo "$1, $2: $(sql "$3" shop "$4" || true)"; }
{
    try owner "REFRESH" owner 'REFRESH MATERIALIZED VIEW sales.report'
    try owner "REFRESH CONCURRENTLY" owner 'REFRESH MATERIALIZED VIEW CONCURRENTLY sales.report'
    try superuser "REFRESH CONCURRENTLY" postgres 'REFRESH MATERIALIZED VIEW CONCURRENTLY sales.report'
    try superuser "GRANT TEMPORARY to the owner" postgres 'GRANT TEMPORARY ON DATABASE shop TO owner'
    try owner "REFRESH CONCURRENTLY" owner 'REFRESH MATERIALIZED VIEW CONCURRENTLY sales.report'
} > output

cat output
cd "$OLDPWD"
sed -n '/^# Output seen:/,/^set/s/^#   //p' "$0" | diff -u - "$work/run/output" ||
    { echo "PostgreSQL behaves differently from what is described here" >&2; exit 1; }
