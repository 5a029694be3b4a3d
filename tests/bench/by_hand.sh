#!/bin/sh
# What a cold deploy is measured against: the commands that somebody would type to get the same event store into an
# unprivileged container, once, with every file and every SQL statement at hand. The same packages, both volumes, limits,
# TLS, configuration, roles, database, schema with its ledger, and the worker. What the deploy has besides and this has
# not: an image that further containers are made from, and the reference that it compares the schema with later.
#   by_hand.sh create NAME STORAGE RELEASE PACKAGES POSTGRESQL_VERSION FILES   PACKAGES with commas between; see inventories.py
#   by_hand.sh remove NAME STORAGE
set -eu
action=$1 name=$2 storage=$3 first_id=2000000000
root=$storage/containers/$name volume=$storage/volumes/$name

if [ "$action" = remove ]; then
    lxc-stop -n "$name" -k 2>/dev/null || true
    for mount in "$root" "$volume"; do
        ! mountpoint -q "$mount" || umount "$mount"
        rm -rf --one-file-system "$mount" "$mount.img"
        sed -i "\\|^$mount.img |d" /etc/fstab
    done
    rm -rf --one-file-system "/var/lib/lxc/$name" "$storage/$name"
    sed -i "/^root:$first_id:65536$/d" /etc/subuid /etc/subgid
    exit
fi
release=$4 packages=$5 version=$6 files=$7
mkdir -p "$storage/$name" "/var/lib/lxc/$name"
echo "root:$first_id:65536" | tee -a /etc/subuid >> /etc/subgid
for mount in "$root:2G" "$volume:5G"; do
    image=${mount%:*}.img
    mkdir -p "${mount%:*}"
    truncate -s "${mount#*:}" "$image"
    chmod 600 "$image"
    mkfs.ext4 -q -F -m 0 "$image"
    echo "$image ${mount%:*} ext4 loop,noatime,nosuid,nodev,nofail,x-systemd.before=lxc.service 0 0" >> /etc/fstab
    mount "${mount%:*}"
done
mkdir "$volume/data"

# The same Debian sources and proxy as the deploy's image: those of this host, for the container's release.
. /etc/os-release
apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) o=$(ORIGIN)' 'Created-By: Packages' |
while read -r uri suite component origin; do
    case $suite in "$VERSION_CODENAME" | "$VERSION_CODENAME"-updates | "$VERSION_CODENAME"-security) ;; *) continue ;; esac
    case $origin in o= | o=Debian) echo "deb $uri $release${suite#"$VERSION_CODENAME"} $component" ;; esac
done | sort -u > "$storage/$name/sources"
apt-config dump | sed -n 's/^\(Acquire::[a-z]*::Proxy[^ ]*\) "\(..*\)";$/\1 "\2";/p' > "$storage/$name/proxy"

mmdebstrap --quiet --variant=minbase --mode=root --include="$packages" \
    --aptopt='APT::Install-Recommends "false"' --aptopt="$storage/$name/proxy" \
    --extract-hook='cd "$1"
        printf "%s\n" "path-exclude=/usr/share/doc/*" "path-include=/usr/share/doc/*/copyright" \
            "path-exclude=/usr/share/man/*" "path-exclude=/usr/share/locale/*/*" > etc/dpkg/dpkg.cfg.d/no-documentation
        rm -rf usr/share/man/* usr/share/locale/*/*; find usr/share/doc ! -type d ! -name copyright -delete' \
    --essential-hook='mkdir -p "$1/etc/postgresql-common"
        echo "create_main_cluster = false" > "$1/etc/postgresql-common/createcluster.conf"
        echo "en_US.UTF-8 UTF-8" > "$1/etc/locale.gen"' \
    "$release" "$root/rootfs" "$storage/$name/sources"
echo "$name" > "$root/rootfs/etc/hostname"
cp "$files/hosts" "$root/rootfs/etc/hosts"
cp "$files/resolv.conf" "$root/rootfs/etc/resolv.conf"
cp "$files/container.conf" "/var/lib/lxc/$name/config"
lxc-start -n "$name"

inside() { lxc-attach -n "$name" --clear-env --set-var PATH=/usr/sbin:/usr/bin:/sbin:/bin -- "$@"; }
write() { inside sh -c "cat > '$1'; chown $2 '$1'; chmod $3 '$1'"; }
sql() { inside sh -c "cd /; exec runuser -u postgres -- psql -X -q -v ON_ERROR_STOP=1 -d $1 -f -"; }
until case $(inside systemctl is-system-running 2>/dev/null) in running | degraded) ;; *) false ;; esac; do sleep 0.1; done

inside install -d -o postgres -g postgres "/srv/postgresql/$version"
inside pg_createcluster "$version" main -d "/srv/postgresql/$version/main" -- \
    --data-checksums --encoding UTF8 --locale en_US.UTF-8 --auth-local peer --auth-host scram-sha-256 > /dev/null
inside install -d -o postgres -g postgres -m 700 /srv/postgresql/tls
inside runuser -u postgres -- openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
    -keyout /srv/postgresql/tls/server.key -out /srv/postgresql/tls/server.crt -subj "/CN=$name" 2>/dev/null
for file in postgresql.conf pg_hba.conf; do
    write "/etc/postgresql/$version/main/$file" postgres:postgres 640 < "$files/$file"
done
inside systemctl start "postgresql@$version-main"
until inside "/usr/lib/postgresql/$version/bin/pg_isready" -q; do sleep 0.1; done
sql postgres < "$files/roles.sql"
sql stock_analysis_event_store < "$files/schema.sql"

inside useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin event_store_worker
inside mkdir -p /etc/event-store
write /etc/event-store/worker.sql root:root 644 < "$files/worker.sql"
write /etc/systemd/system/event-store@.service root:root 644 < "$files/event-store@.service"
inside systemctl daemon-reload
inside systemctl enable --quiet --now $(cat "$files/units")
