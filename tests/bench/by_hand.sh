#!/bin/sh
# What a cold deploy is measured against: the bare commands that somebody would type to get PostgreSQL into an
# unprivileged container. No volumes, limits, TLS, tuning, roles or schema.
#   by_hand.sh create NAME DIRECTORY RELEASE PACKAGES POSTGRESQL_VERSION     PACKAGES with commas between
#   by_hand.sh remove NAME DIRECTORY
set -eu
action=$1 name=$2 directory=$3 first_id=2000000000

if [ "$action" = remove ]; then
    lxc-stop -n "$name" -k 2>/dev/null || true
    rm -rf --one-file-system "$directory" "/var/lib/lxc/$name"
    sed -i "/^root:$first_id:65536$/d" /etc/subuid /etc/subgid
    exit
fi
release=$4 packages=$5 version=$6
mkdir -p "$directory" "/var/lib/lxc/$name"
echo "root:$first_id:65536" | tee -a /etc/subuid >> /etc/subgid

# The same Debian sources and proxy as the deploy's image: those of this host, for the container's release.
. /etc/os-release
apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) o=$(ORIGIN)' 'Created-By: Packages' |
while read -r uri suite component origin; do
    case $suite in "$VERSION_CODENAME" | "$VERSION_CODENAME"-updates | "$VERSION_CODENAME"-security) ;; *) continue ;; esac
    case $origin in o= | o=Debian) echo "deb $uri $release${suite#"$VERSION_CODENAME"} $component" ;; esac
done | sort -u > "$directory/sources"
apt-config dump | sed -n 's/^\(Acquire::[a-z]*::Proxy[^ ]*\) "\(..*\)";$/\1 "\2";/p' > "$directory/proxy"

mmdebstrap --quiet --variant=minbase --mode=root --include="$packages" \
    --aptopt='APT::Install-Recommends "false"' --aptopt="$directory/proxy" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --essential-hook='mkdir -p "$1/etc/postgresql-common"
        echo "create_main_cluster = false" > "$1/etc/postgresql-common/createcluster.conf"
        echo "en_US.UTF-8 UTF-8" > "$1/etc/locale.gen"' \
    "$release" "$directory/rootfs" "$directory/sources"

cat > "/var/lib/lxc/$name/config" <<END
lxc.include = /usr/share/lxc/config/common.conf
lxc.include = /usr/share/lxc/config/userns.conf
lxc.arch = linux64
lxc.uts.name = $name
lxc.mount.auto =
lxc.mount.auto = cgroup:mixed proc:mixed sys:mixed
lxc.rootfs.path = dir:$directory/rootfs
lxc.rootfs.options = idmap=container
lxc.idmap = u 0 $first_id 65536
lxc.idmap = g 0 $first_id 65536
lxc.net.0.type = veth
lxc.net.0.link = lxcbr0
lxc.net.0.flags = up
lxc.environment = SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1
END
if [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ]; then
    printf 'lxc.apparmor.profile = generated\nlxc.apparmor.allow_nesting = 1\n' >> "/var/lib/lxc/$name/config"
fi
lxc-start -n "$name"

inside() { lxc-attach -n "$name" --clear-env --set-var PATH=/usr/sbin:/usr/bin:/sbin:/bin -- "$@"; }
until case $(inside systemctl is-system-running 2>/dev/null) in running | degraded) ;; *) false ;; esac; do sleep 0.1; done
inside pg_createcluster "$version" main -- --data-checksums --encoding UTF8 --locale en_US.UTF-8 > /dev/null
inside systemctl start "postgresql@$version-main"
until inside "/usr/lib/postgresql/$version/bin/pg_isready" -q; do sleep 0.1; done
