#!/usr/bin/env bash
# A container of LXC 5.0 that is rebooted from inside comes back with a root file system that belongs to nobody.
#
# A good guess: lxc.rootfs.options = idmap=container gives an unprivileged container its root file system by an
#   idmapped mount, at each start. "reboot" in the container is a stop and a start, so nothing is different after it.
# What is true: LXC starts such a container again within the same lxc-start, which has forgotten lxc.rootfs.options by
#   then (its log: mounted … with options "(null)"). The container runs, in the right user namespace, but its / is
#   mounted without a map: what belongs to root on the host belongs to uid 65534, and root in the container may not
#   write it. Volumes that lxc.mount.entry mounts with idmap=container are mapped as before, which hides the cause. A
#   "reboot" after an upgrade is enough. What to do: stop and start the container from the host; LXC reads its
#   configuration again then.
# Tool: LXC 5.0.2 of Debian 12 (security updates of this version allowed: Debian keeps the newest of them only).
# Needs: root; Debian 12 on amd64 with apt; a kernel and a file system for temporary files with idmapped mounts.
#
# Output seen:
#   started: / belongs to uid 0, /data to uid 0; root may write /: yes
#   rebooted from inside: / belongs to uid 65534, /data to uid 0; root may write /: no
#   stopped and started: / belongs to uid 0, /data to uid 0; root may write /: yes
set -euo pipefail

[ "$(id -u)" = 0 ] || { echo "needs root" >&2; exit 2; }
grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release && [ "$(dpkg --print-architecture)" = amd64 ] ||
    { echo "needs Debian 12 on amd64" >&2; exit 2; }
work=$(mktemp -d)
name="finding-$$"
lxc() {  # PATH without newuidmap: root may map ids that nobody has entered in /etc/subuid
    env PATH= LD_LIBRARY_PATH="$work/debian/usr/lib/x86_64-linux-gnu" \
        "$work/debian/usr/bin/lxc-$1" --lxcpath="$work/containers" --name="$name" "${@:2}"
}
cleanup() {
    lxc stop --kill > /dev/null 2>&1 || true
    rm -rf --one-file-system -- "$work" "/run/lxc/lock$work"
    rmdir "/run/lxc/lock${work%/*}" 2> /dev/null || true
}
trap cleanup EXIT
cd "$work"
apt-get -qq -o APT::Sandbox::User=root download lxc='1:5.0.2-1+deb12*' liblxc1='1:5.0.2-1+deb12*' \
    busybox-static='1:1.35.0-4+*' libapparmor1='3.0.8-*' libcap2='1:2.66-*' libseccomp2='2.5.4-*' \
    libselinux1='3.4-*' ||
    { echo "needs packages that apt does not offer; has apt-get update been run?" >&2; exit 2; }
for package in ./*.deb; do dpkg-deb --extract "$package" debian; done

mkdir -p "containers/$name" mnt data root/bin root/data root/dev root/proc root/sys
cp debian/bin/busybox root/bin/
chmod 755 . containers "containers/$name"  # the container's root is no root out here
cat > "containers/$name/config" << CONFIG
lxc.rootfs.path = dir:$work/root
lxc.rootfs.mount = $work/mnt
lxc.rootfs.options = idmap=container
lxc.idmap = u 0 1000000 65536
lxc.idmap = g 0 1000000 65536
lxc.mount.entry = $work/data data none bind,idmap=container 0 0
lxc.mount.auto = proc:mixed sys:mixed
lxc.apparmor.profile = unchanged
lxc.net.0.type = empty
lxc.init.cmd = /bin/busybox sleep 600
CONFIG

inside() { lxc attach -- /bin/busybox "$@" 2>> log; }
look() {
    local writable=no
    if inside touch /file; then writable=yes; fi
    echo "$1: / belongs to uid $(inside stat -c %u /), /data to uid $(inside stat -c %u /data);" \
        "root may write /: $writable"
}
start() { lxc start --logfile="$work/log" > start.log 2>&1 || { cat start.log >&2; exit 2; }; }
{
    start
    look started
    first=$(lxc info --pid --no-humanize)
    inside reboot -f || true
    for _ in $(seq 100); do
        second=$(lxc info --pid --no-humanize 2>> log) && [ -n "$second" ] && [ "$second" != "$first" ] && break
        sleep 0.1
    done
    lxc wait --state=RUNNING --timeout=10
    look "rebooted from inside"
    lxc stop --kill
    start
    look "stopped and started"
} > output

cat output
cd "$OLDPWD"
sed -n '/^# Output seen:/,/^set/s/^#   //p' "$0" | diff -u - "$work/output" ||
    { echo "LXC behaves differently from what is described here" >&2; exit 1; }
