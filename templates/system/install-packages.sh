#!/bin/sh
# Installs the Debian packages that are its arguments, and removes none. Used by the deploy, in containers and on hosts, and by
# the Makefile. Another apt or dpkg that is at work is waited for; if that takes too long, apt's message names it.
set -eu
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
end=
patiently() {
    while :; do
        if output=$("$@" 2>&1 < /dev/null); then return 0; fi
        case $output in
            *"ould not get lock"* | *"nable to lock"* | *"is locked by another process"* | *"was locked by another process"*) ;;
            *) printf '%s\n' "$output" >&2; return 1 ;;
        esac
        : "${end:=$(($(date +%s) + 120))}"
        [ "$(date +%s)" -lt "$end" ] || { printf '%s\n' "$output" >&2; return 1; }
        sleep 1
    done
}
# What an installation that was cut off has left half-way.
patiently dpkg --configure -a --force-confold
patiently apt-get -q update
patiently apt-get -q -y --no-remove -o Dpkg::Options::=--force-confold install --no-install-recommends -- "$@"
