#!/usr/bin/env bash
# After a restore to a point in time, pgBackRest's next restore takes a backup that is not of the history any more.
#
# A good guess: `pgbackrest restore` without --set takes a backup that it can restore. After a restore to before the newest
#   backup, the server goes on on a new timeline, its WAL is archived, and `check` and `info` say ok: so the cluster is backed up.
# What is true: it takes the newest backup by its time, which is of the part that was cut off. 2.45 restores it and exits with 0;
#   then the server does not start, and its hint is to remove backup_label, which would corrupt the data. 2.55.1 ends with error 058 ("target timeline 3 forked from backup timeline 1 ... before
#   backup lsn"). The older backup of the same repository is good, and has to be named with --set. Until somebody makes another
#   backup, whoever restores in an emergency gets no data, and neither does a drill.
#   What to do: make a backup right after each restore in place; choose the backup by its end LSN and the history file.
# Tool: pgBackRest 2.45 of Debian 12 with PostgreSQL 15 (security updates allowed: Debian keeps the newest of them only).
#   2.55.1 of Debian 13, with PostgreSQL 17, is as said above.
# Needs: Debian 12 on amd64 with apt; setpriv (util-linux) if it is run by root.
#
# Output seen:
#   info after the restore to a point in time: ok
#   restore: exit status 0
#   the server: FATAL: could not locate required checkpoint record
#   restore --set=<the older backup>: exit status 0, and all data are there
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
    sql "CREATE TABLE first AS SELECT 1"
    sql "SELECT pg_create_restore_point('here'), pg_switch_wal()" > home/point
    run $backrest --type=full backup
    stop
    labels=$(run $backrest info | sed -n 's/^ *full backup: //p')
    older=$(head -n 1 <<< "$labels")
    run $backrest --delta --set="$older" --type=name --target=here --target-action=promote restore
    start
    until [ "$(sql 'SELECT pg_is_in_recovery()')" = f ]; do sleep 0.1; done
    sql "CREATE TABLE second AS SELECT 1"
    sql "SELECT pg_switch_wal()" > home/point
    run $backrest check
    status=$(run $backrest info | sed -n 's/^ *status: //p')
    stop
    run $backrest --delta restore && newest=0 || newest=$?
    run rm home/log
    start 2> home/start || true
    sleep 3  # pg_ctl may call a server started that ends a moment later
    server=$(grep -o 'FATAL:.*' home/log | tr -s ' ') || server="runs"
    run $backrest --delta --force --set="$older" restore && named=0 || named=$?
}
start
until [ "$(sql 'SELECT pg_is_in_recovery()')" = f ]; do sleep 0.1; done
data=$(sql "SELECT string_agg(tablename, ' ' ORDER BY 1) FROM pg_tables WHERE tablename IN ('first', 'second')")
stop

cat > output <<END
info after the restore to a point in time: $status
restore: exit status $newest
the server: $server
restore --set=<the older backup>: exit status $named, and $([ "$data" = "first second" ] && echo all || echo not all) data are there
END

cat output
sed -n '/^# Output seen:/,/^set/s/^#   //p' "$self" | diff -u - output ||
    { echo "pgBackRest behaves differently from what is described here" >&2; exit 1; }
