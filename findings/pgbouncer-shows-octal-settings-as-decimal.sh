#!/usr/bin/env bash
# PgBouncer's console shows unix_socket_mode as a decimal number, and reads it as an octal one.
#
# A good guess: SHOW CONFIG prints each setting as the file has it, so whoever manages a PgBouncer compares the two to
#   find what was changed on the console with SET, and may write the value that is shown back into the file.
# What is true: for 0700 in the file, the console says 448, and the default 0777 reads 511. A comparison finds a difference
#   for ever, at every run. Written back, 448 is no octal number at all, and 511 would be another mode (0511). The column
#   "default" is as the file has it, so even the two columns of one row differ for a setting that nobody has touched.
#   What to do: leave it out and protect the socket by the mode of its folder, or convert before comparing.
# Tool: PgBouncer 1.18.0 of Debian 12 (security updates of this version allowed: Debian keeps the newest of them only).
#   1.24.1 of Debian 13 does the same.
# Needs: Debian 12 on amd64 with apt; setpriv (util-linux) if it is run by root.
#
# Output seen:
#   in the file: unix_socket_mode = 0700
#   SHOW CONFIG: unix_socket_mode|448|0777
#   of the socket: 700
#   left out of the file, SHOW CONFIG: unix_socket_mode|511|0777
set -euo pipefail

grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release && [ "$(dpkg --print-architecture)" = amd64 ] ||
    { echo "needs Debian 12 on amd64" >&2; exit 2; }
as_user=()
if [ "$(id -u)" = 0 ]; then  # PgBouncer refuses to be run by root
    command -v setpriv > /dev/null || { echo "needs setpriv, or a user other than root" >&2; exit 2; }
    as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups --)
fi
self=$(realpath "$0")
work=$(mktemp -d)
pid=
cleanup() {
    [ -z "$pid" ] || kill -INT "$pid" 2> /dev/null || true
    rm -rf -- "$work"
}
trap cleanup EXIT
cd "$work"
apt-get -qq -o APT::Sandbox::User=root download pgbouncer='1.18.0-1+deb12*' libc-ares2='1.18.1-3*' \
    libevent-2.1-7='2.1.12-stable-*' libpq5='15.*' postgresql-client-15='15.*' >&2 ||
    { echo "needs packages that apt does not offer; has apt-get update been run?" >&2; exit 2; }
for package in ./*.deb; do dpkg-deb --extract "$package" debian; done
chmod 711 .
mkdir run
if [ "$(id -u)" = 0 ]; then chown 65534:65534 run; fi
export LD_LIBRARY_PATH="$work/debian/usr/lib/x86_64-linux-gnu"

cd run
show() {  # what follows is a line of the file
    printf '[databases]\n[pgbouncer]\nlisten_port = 6499\nlisten_addr =\nauth_type = any\nunix_socket_dir = %s\n%s\n' \
        "$PWD" "$1" > ../pgbouncer.ini
    "${as_user[@]}" "$work/debian/usr/sbin/pgbouncer" -q ../pgbouncer.ini 2> log &
    pid=$!
    for _ in $(seq 100); do [ ! -S .s.PGSQL.6499 ] || break; sleep 0.1; done
    "${as_user[@]}" "$work/debian/usr/lib/postgresql/15/bin/psql" -X --host="$PWD" --port=6499 --username=pgbouncer \
        --dbname=pgbouncer --tuples-only --no-align --command='SHOW CONFIG' |
        sed -n 's/^\(unix_socket_mode|.*\)|[a-z]*$/\1/p'
    mode=$(stat -c %a .s.PGSQL.6499)
    kill -INT "$pid"
    wait "$pid" || true
    pid=
}
{
    echo "in the file: unix_socket_mode = 0700"
    show "unix_socket_mode = 0700" > shown
    echo "SHOW CONFIG: $(cat shown)"
    echo "of the socket: $mode"
    show "" > shown
    echo "left out of the file, SHOW CONFIG: $(cat shown)"
} > ../output

cat ../output
sed -n '/^# Output seen:/,/^set/s/^#   //p' "$self" | diff -u - "$work/output" ||
    { echo "PgBouncer behaves differently from what is described here" >&2; exit 1; }
