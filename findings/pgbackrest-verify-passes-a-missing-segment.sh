#!/usr/bin/env bash
# pgbackrest verify says ok with WAL missing from the middle of the archive, and exits with 0 whatever it finds.
#
# A good guess: a timer runs `pgbackrest verify`, and a failure of it means that something cannot be restored; success means
#   that all WAL since the oldest backup is there, because that is what a restore needs.
# What is true: the exit status is 0 with a damaged file as well. It prints nothing by default, and nothing with --output=text if
#   it finds no error: the verdict ("status: ok") takes --verbose, too. And a segment that is missing between two others is no
#   error: "missing: 0", "status: ok", although no restore gets past it. `check` and `info` do not see it either.
#   What to do: parse the text of `verify --output=text --verbose`, and compare the names in the archive with each other,
#   from the start of the oldest backup on, along the history files of the timelines.
# Tool: pgBackRest 2.45 of Debian 12 with PostgreSQL 15 (security updates allowed: Debian keeps the newest of them only).
#   2.55.1 of Debian 13 does the same.
# Needs: Debian 12 on amd64 with apt; setpriv (util-linux) if it is run by root.
#
# Output seen:
#   a segment is missing in the middle:
#   verify: exit status 0, 0 lines of output
#   verify --output=text: exit status 0, 0 lines of output
#   verify --output=text --verbose: exit status 0, status: ok, missing: 0
#   check: exit status 0; info: status: ok
#   a byte of another one is damaged:
#   verify: exit status 0, 0 lines of output
#   verify --output=text --verbose: exit status 0, status: error, missing: 0
set -euo pipefail

grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release && [ "$(dpkg --print-architecture)" = amd64 ] ||
    { echo "needs Debian 12 on amd64" >&2; exit 2; }
as_user=()
if [ "$(id -u)" = 0 ]; then  # PostgreSQL refuses to be run by root
    command -v setpriv > /dev/null || { echo "needs setpriv, or a user other than root" >&2; exit 2; }
    as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups --)
fi
self=$(realpath "$0")
work=$(mktemp -d)
cleanup() {
    [ ! -f "$work/data/postmaster.pid" ] || kill -QUIT "$(head -n 1 "$work/data/postmaster.pid")" 2> /dev/null || true
    rm -rf -- "$work"
}
trap cleanup EXIT
cd "$work"
apt-get -qq -o APT::Sandbox::User=root download pgbackrest='2.45-1*' postgresql-15='15.*' postgresql-client-15='15.*' \
    libpq5='15.*' libicu72 libldap-2.5-0 libsasl2-2 libxml2 libxslt1.1 >&2 ||
    { echo "needs packages that apt does not offer; has apt-get update been run?" >&2; exit 2; }
for package in ./*.deb; do dpkg-deb --extract "$package" debian; done
mkdir home
if [ "$(id -u)" = 0 ]; then chmod 755 . && chown 65534:65534 . home; fi
export LD_LIBRARY_PATH="$work/debian/usr/lib/x86_64-linux-gnu" LC_ALL=C HOME="$work/home"
bin=$work/debian/usr/lib/postgresql/15/bin

cat > pgbackrest.conf <<END
[global]
repo1-path=$work/repository
repo1-retention-full=9
log-path=$work/home
lock-path=$work/home
spool-path=$work/home
start-fast=y
[one]
pg1-path=$work/data
pg1-socket-path=$work
pg1-database=postgres
END
backrest="$work/debian/usr/bin/pgbackrest --config=$work/pgbackrest.conf --stanza=one --log-level-console=error"
run() { "${as_user[@]}" "$@"; }
start() { run "$bin/pg_ctl" --silent --wait --pgdata data --log home/log start > /dev/null; }
stop() { run "$bin/pg_ctl" --silent --wait --pgdata data stop; }
sql() { run "$bin/psql" -XAtq --host="$work" --username=one --dbname=postgres --command="$1"; }

run "$bin/initdb" --pgdata=data --username=one --auth=trust > home/initdb
run tee -a data/postgresql.conf > /dev/null <<END
listen_addresses = ''
unix_socket_directories = '$work'
archive_mode = on
archive_command = '$backrest archive-push %p'
END
sed -i "s/^pg1-database.*/&\npg1-user=one/" pgbackrest.conf
start
# shellcheck disable=SC2086
{
    run $backrest stanza-create
    run $backrest --type=full backup
    for number in 1 2 3 4; do
        sql "SELECT pg_create_restore_point('$number'), pg_switch_wal()" > home/point
    done
    run $backrest check
}
segments=(repository/archive/one/15-1/*/*-*)
verify() {
    # shellcheck disable=SC2086
    run $backrest "$@" verify > home/said 2>&1 && status=0 || status=$?
}
silent() {
    verify "$@"
    echo "$(printf '%s ' verify "$@" | sed 's/ $//'): exit status $status, $(wc -l < home/said) lines of output"
}
verbose() {
    verify --output=text --verbose
    echo "verify --output=text --verbose: exit status $status, $(grep '^status:' home/said), $(grep -o 'missing: [0-9]*' home/said | sort -u)"
}
{
    # Behind the backup, and before others.
    rm "${segments[-3]}"
    echo "a segment is missing in the middle:"
    silent
    silent --output=text
    verbose
    # shellcheck disable=SC2086
    run $backrest check && status=0 || status=$?
    # shellcheck disable=SC2086
    echo "check: exit status $status; info: $(run $backrest info | sed -n 's/^ *\(status: .*\)/\1/p')"
    printf X | dd of="${segments[-2]}" bs=1 seek=100 conv=notrunc 2> home/dd
    echo "a byte of another one is damaged:"
    silent
    verbose
} > output
stop

cat output
sed -n '/^# Output seen:/,/^set/s/^#   //p' "$self" | diff -u - output ||
    { echo "pgBackRest behaves differently from what is described here" >&2; exit 1; }
