#!/usr/bin/env bash
# In an unprivileged container of LXC with systemd but without udev, systemd-networkd never configures the interface.
#
# A good guess: a minimal Debian (minbase with systemd-sysv) has systemd-networkd, and no udev, because a container has
#   no devices to manage. With LXC's own userns.conf and a .network file the interface gets its address at boot.
# What is true: networkd leaves an interface alone until udev has announced it, unless /sys is mounted read-only, which
#   is how systemd is told that nobody manages devices here. LXC's userns.conf mounts it read-write (lxc.mount.auto =
#   sys:rw). So networkd is active and logs no error, and eth0 stays "pending". What to do: after the include of
#   userns.conf, empty lxc.mount.auto and set it with sys:mixed, which mounts /sys read-only.
# Tool: systemd 252 and LXC 5.0.2 of Debian 12 (security updates allowed: Debian keeps the newest of them only).
# Needs: root; Debian 12 on amd64 with apt and perl; 400 MB for temporary files; a kernel and a file system with
#   idmapped mounts there; about a minute.
#
# Output seen:
#   as in userns.conf: /sys is rw, networkd is active, eth0 is pending, its address: none
#   with sys:mixed: /sys is ro, networkd is active, eth0 is configured, its address: 192.0.2.2
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
    liblxc-common='1:5.0.2-1+deb12*' mmdebstrap='1.3.5-*' libapparmor1='3.0.8-*' libcap2='1:2.66-*' \
    libseccomp2='2.5.4-*' libselinux1='3.4-*' ||
    { echo "needs packages that apt does not offer; has apt-get update been run?" >&2; exit 2; }
for package in ./*.deb; do dpkg-deb --extract "$package" debian; done
# LXC's configuration, at the place where it is unpacked.
sed -i "s|/usr/share/lxc|$work/debian&|" debian/usr/share/lxc/config/*.conf
mkdir -p debian/usr/share/lxc/config/{common,userns}.conf.d "containers/$name" mnt

debian/usr/bin/mmdebstrap --quiet --variant=minbase --include='systemd-sysv=252.*' --format=directory bookworm root >&2
cat > root/etc/systemd/network/eth0.network << NETWORK
[Match]
Name=eth0
[Network]
Address=192.0.2.2/24
LinkLocalAddressing=no
IPv6AcceptRA=no
NETWORK
ln -s /lib/systemd/system/systemd-networkd.service root/etc/systemd/system/multi-user.target.wants/
chmod 755 . containers "containers/$name"  # the container's root is no root out here

configure() {
    cat > "containers/$name/config" << CONFIG
lxc.include = $work/debian/usr/share/lxc/config/common.conf
lxc.include = $work/debian/usr/share/lxc/config/userns.conf
$1
lxc.rootfs.path = dir:$work/root
lxc.rootfs.mount = $work/mnt
lxc.rootfs.options = idmap=container
lxc.idmap = u 0 1000000 65536
lxc.idmap = g 0 1000000 65536
lxc.apparmor.profile = unchanged
lxc.net.0.type = veth
lxc.net.0.name = eth0
lxc.net.0.flags = up
CONFIG
}
inside() { lxc attach -- /usr/bin/env PATH=/usr/bin:/bin "$@" 2>> log; }
state() { inside sed -n 's/^ADMIN_STATE=//p' "/run/systemd/netif/links/$(inside cat /sys/class/net/eth0/ifindex)"; }
look() {
    local sys address
    lxc start --logfile="$work/log" > start.log 2>&1 || { cat start.log >&2; exit 2; }
    for _ in $(seq 30); do
        if [ "$(state || true)" = configured ]; then break; fi
        sleep 0.5
    done
    sys=$(inside awk '$2 == "/sys" {print substr($4, 1, 2)}' /proc/self/mounts)
    address=$(inside hostname -I | tr -d ' ')
    echo "$1: /sys is $sys, networkd is $(inside systemctl is-active systemd-networkd), eth0 is $(state)," \
        "its address: ${address:-none}"
    lxc stop --kill
}
{
    configure ""
    look "as in userns.conf"
    configure "lxc.mount.auto =
lxc.mount.auto = cgroup:mixed proc:mixed sys:mixed"
    look "with sys:mixed"
} > output

cat output
cd "$OLDPWD"
sed -n '/^# Output seen:/,/^set/s/^#   //p' "$0" | diff -u - "$work/output" ||
    { echo "systemd or LXC behaves differently from what is described here" >&2; exit 1; }
