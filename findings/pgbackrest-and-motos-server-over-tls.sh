#!/usr/bin/env bash
# pgBackRest cannot write to moto's own server over TLS, although every request is answered with 200.
#
# A good guess: moto_server speaks S3, and has options for a certificate; boto3 works with it over TLS. So it does for a test of a
#   pgBackRest repository in a bucket.
# What is true: moto_server runs on Werkzeug's development server, which closes each connection without TLS's own end (close_notify).
#   OpenSSL 3 calls that an error ("unexpected eof while reading"), and pgBackRest takes it for one: it sends the same file again
#   and again, the server stores it each time, and the command fails at last, with exit status 101. With HTTP/1.1 it is the same. The same
#   application behind cheroot, which ends TLS as it should, takes the file at the first request.
#   What to do: serve moto's WSGI application with another server.
# Tool: pgBackRest 2.45 of Debian 12 (OpenSSL 3.0), moto 5.2.5, cheroot 11.1.2.
# Needs: Debian 12 on amd64 with apt, python3 with venv, openssl.
#
# Output seen:
#   moto_server: exit status 101, unexpected eof while reading, stored more than once: yes
#   cheroot: exit status 0, stored more than once: no
set -euo pipefail

grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release && [ "$(dpkg --print-architecture)" = amd64 ] ||
    { echo "needs Debian 12 on amd64" >&2; exit 2; }
for program in python3 openssl; do command -v $program > /dev/null || { echo "needs $program" >&2; exit 2; }; done
self=$(realpath "$0")
work=$(mktemp -d)
server=
cleanup() {
    [ -z "$server" ] || kill "$server" 2> /dev/null || true
    rm -rf -- "$work"
}
trap cleanup EXIT
cd "$work"
apt-get -qq -o APT::Sandbox::User=root download pgbackrest='2.45-1*' libpq5='15.*' libxml2 >&2 ||
    { echo "needs packages that apt does not offer; has apt-get update been run?" >&2; exit 2; }
for package in ./*.deb; do dpkg-deb --extract "$package" debian; done
export LD_LIBRARY_PATH="$work/debian/usr/lib/x86_64-linux-gnu"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'moto[s3,server]==5.2.5' cheroot==11.1.2 >&2
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
    -keyout key.pem -out certificate.pem 2> /dev/null
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat > pgbackrest.conf <<END
[global]
repo1-type=s3
repo1-path=/one
repo1-s3-bucket=a-bucket
repo1-s3-endpoint=localhost
repo1-storage-port=$port
repo1-s3-region=us-east-1
repo1-s3-uri-style=path
repo1-storage-ca-file=$work/certificate.pem
repo1-s3-key=key
repo1-s3-key-secret=secret
lock-path=$work
log-level-file=off
END
cat > with_cheroot.py <<'END'
import sys
from cheroot.ssl.builtin import BuiltinSSLAdapter
from cheroot.wsgi import Server
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
server = Server(("127.0.0.1", int(sys.argv[1])), DomainDispatcherApplication(create_backend_app), timeout=60)
server.ssl_adapter = BuiltinSSLAdapter("certificate.pem", "key.pem")
server.start()
END
cat > make_bucket.py <<'END'
import ssl, sys, time, urllib.request
for _ in range(100):
    try:
        request = urllib.request.Request(f"https://localhost:{sys.argv[1]}/a-bucket", method="PUT")
        urllib.request.urlopen(request, context=ssl.create_default_context(cafile="certificate.pem"))
        break
    except OSError:
        time.sleep(0.2)
END
cat > count.py <<'END'
# How often a file was stored: the bucket keeps each version of it.
import sys, boto3
s3 = boto3.client("s3", endpoint_url=f"https://localhost:{sys.argv[1]}", verify="certificate.pem", region_name="us-east-1",
                  aws_access_key_id="key", aws_secret_access_key="secret")
if sys.argv[2] == "begin":
    s3.put_bucket_versioning(Bucket="a-bucket", VersioningConfiguration={"Status": "Enabled"})
else:
    print("yes" if len(s3.list_object_versions(Bucket="a-bucket").get("Versions", [])) > 1 else "no")
END
try() {
    local name=$1 status=0
    shift
    "$@" > "$name.log" 2>&1 &
    server=$!
    venv/bin/python make_bucket.py "$port"
    venv/bin/python count.py "$port" begin
    echo content | debian/usr/bin/pgbackrest --config="$work/pgbackrest.conf" --io-timeout=5 repo-put a/file > said 2>&1 || status=$?
    said=$(grep -o 'unexpected eof while reading' said | head -n 1 || true)
    echo "$name: exit status $status${said:+, $said}, stored more than once: $(venv/bin/python count.py "$port" end)"
    kill "$server"
    wait "$server" 2> /dev/null || true
    server=
}
{
    try moto_server venv/bin/moto_server --host 127.0.0.1 --port "$port" --ssl-cert certificate.pem --ssl-key key.pem
    try cheroot venv/bin/python with_cheroot.py "$port"
} > output

cat output
sed -n '/^# Output seen:/,/^set/s/^#   //p' "$self" | diff -u - output ||
    { echo "they behave differently from what is described here" >&2; exit 1; }
