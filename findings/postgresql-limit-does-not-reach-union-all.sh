#!/usr/bin/env bash
# A LIMIT above UNION ALL does not reach the branches: PostgreSQL sorts all of a branch for the first few rows of it.
#
# A good guess: the branches of a UNION ALL run one after the other, and a LIMIT above them ends the whole early. A branch
#   that is a plain SELECT … ORDER BY an indexed column then is an index scan that is stopped after a few rows, just as it
#   is by itself. The index is there, the statistics are fresh, and EXPLAIN of the branch alone agrees.
# What is true: the planner chooses the branch's plan for all of its rows, and for all of them a sort can be cheaper than the
#   index. So a page of ten rows reads and sorts all that is left, and a reader that pages through it takes quadratic time.
#   With cheaper random reads (random_page_cost for an SSD) it may take the index after all, which hides it on a
#   developer's machine. What to do: repeat the LIMIT inside of the branch.
# Tool: PostgreSQL 16.2, as packaged in pgserver 0.1.4. PostgreSQL 15.20 of Debian 12 does the same.
# Needs: Linux on x86_64; Python 3.9 or newer with pip; setpriv (util-linux) if it is run by root.
#
# Output seen:
#   the branch by itself, LIMIT 10: Index Scan
#   UNION ALL, LIMIT 10 above it: Sort of 20000 rows
#   UNION ALL, LIMIT 10 above it and in the branch: Index Scan
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
sql() { "${as_user[@]}" "$bin/psql" -X --host="$PWD" --username=postgres --command="$1" --tuples-only --no-align 2>&1; }

{
    # As a table is whose rows were written in another order than they are read.
    sql 'CREATE TABLE events (number bigint PRIMARY KEY, payload text)'
    sql "INSERT INTO events SELECT n::bigint * 48271 % 200003, repeat('x', 200) FROM generate_series(1, 200002) AS n"
    sql 'CREATE TABLE later (number bigint PRIMARY KEY, payload text)'
    sql 'VACUUM ANALYZE events, later'
} > setup.log
# Which node gets the rows in their order, and how many a sort gets.
plan() {
    sql "EXPLAIN (ANALYZE, TIMING off, COSTS off, SUMMARY off) $1" > plan
    if grep -q 'Sort  *(actual' plan; then
        echo "Sort of $(sed -n 's/.*Scan on events (actual rows=\([0-9]*\).*/\1/p' plan) rows"
    else
        grep -o 'Index Scan' plan
    fi
}
branch='SELECT * FROM events WHERE number > 180002 ORDER BY number'
{
    echo "the branch by itself, LIMIT 10: $(plan "$branch LIMIT 10")"
    echo "UNION ALL, LIMIT 10 above it: $(plan "SELECT * FROM (($branch) UNION ALL SELECT * FROM later) page LIMIT 10")"
    echo "UNION ALL, LIMIT 10 above it and in the branch: $(
        plan "SELECT * FROM (($branch LIMIT 10) UNION ALL SELECT * FROM later) page LIMIT 10"
    )"
} > output

cat output
cd "$OLDPWD"
sed -n '/^# Output seen:/,/^set/s/^#   //p' "$0" | diff -u - "$work/run/output" ||
    { echo "PostgreSQL behaves differently from what is described here" >&2; exit 1; }
