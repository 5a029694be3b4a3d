#!/usr/bin/env bash
# pg_file_settings shows an error for a configuration that is valid: for each changed setting that needs a restart.
#
# A good guess: pg_file_settings.error is null if the server accepts the files. So whoever has written a configuration
#   asks for rows with an error before the reload, and takes the old files back if there are any.
# What is true: a valid new value of a setting that only a restart changes (shared_buffers, max_connections, and so on)
#   has the error "setting could not be applied" until that restart. A value that the server refuses has the same text.
#   Such a check takes back good configurations, and the view cannot tell them from bad ones. pg_settings has a column
#   pending_restart, which is of no help before the reload. What to do: try the new files with "postgres -C NAME", which
#   refuses what is no value of a setting (but not values that contradict each other).
# Tool: PostgreSQL 16.2, as packaged in pgserver 0.1.4.
# Needs: Linux on x86_64; Python 3.9 or newer with pip; setpriv (util-linux) if it is run by root.
#
# Output seen:
#   to begin with: shared_buffers is 128MB
#     settings with an error: none
#     pending_restart: f
#   two valid values are written: shared_buffers is 128MB
#     settings with an error: shared_buffers = 64MB (setting could not be applied)
#     pending_restart: f
#   after a reload: shared_buffers is 128MB
#     settings with an error: shared_buffers = 64MB (setting could not be applied)
#     pending_restart: t
#   after a restart: shared_buffers is 64MB
#     settings with an error: none
#     pending_restart: f
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
options="-k '$PWD' -c listen_addresses=''"
"${as_user[@]}" "$bin/initdb" --pgdata=data --auth=trust --username=postgres --locale=C --no-sync > initdb.log
"${as_user[@]}" "$bin/pg_ctl" --pgdata=data --log=server.log -o "$options" -w start > pg_ctl.log
ask() { "${as_user[@]}" "$bin/psql" -XAt --host="$PWD" --username=postgres --command="$1" | tr '\n' ' '; }
look() {
    echo "$1: shared_buffers is $(ask 'SHOW shared_buffers')"
    echo "  settings with an error: $(ask "SELECT
        coalesce(string_agg(format('%s = %s (%s)', name, setting, error), ', '), 'none')
        FROM pg_file_settings WHERE error IS NOT NULL")"
    echo "  pending_restart: $(ask "SELECT pending_restart FROM pg_settings WHERE name = 'shared_buffers'")"
}
{
    look "to begin with"
    printf "shared_buffers = '64MB'\nwork_mem = '8MB'\n" >> data/postgresql.conf
    look "two valid values are written"
    "${as_user[@]}" "$bin/pg_ctl" --pgdata=data reload > pg_ctl.log
    sleep 2
    look "after a reload"
    "${as_user[@]}" "$bin/pg_ctl" --pgdata=data --log=server.log -o "$options" -w restart > pg_ctl.log
    look "after a restart"
} | sed 's/ *$//' > output

cat output
cd "$OLDPWD"
sed -n '/^# Output seen:/,/^set/s/^#   //p' "$0" | diff -u - "$work/run/output" ||
    { echo "PostgreSQL behaves differently from what is described here" >&2; exit 1; }
