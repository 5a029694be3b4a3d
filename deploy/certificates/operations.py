"""A server's self-signed certificate, for stores without an authority; and the daily look at how long certificates are valid."""

from pyinfra.api import QuoteString, StringCommand, operation
from pyinfra.context import host

from deploy.certificates.facts import Certificate, Tls
from deploy.machine.differences import Commands, report
from deploy.machine.files import Entries, Entry
from deploy.machine.look import look
from deploy.machine.records import Difference
from deploy.model.tls_files import TlsFiles


@operation()
def have_self_signed(files: TlsFiles, common_name: str) -> Commands:
    """Have a key and a self-signed certificate for TLS, good for ten years."""
    there: Tls = look(Certificate, key=files.key, certificate=files.certificate)
    wanted = f"600 {files.owner}"
    if there.good and there.mode == wanted:
        host.noop("the certificate is good")
        return
    if there.good:
        # Clients may have pinned it: whatever happened to the file, it stays the same.
        report([Difference(files.key, f"mode and owner are {there.mode}, not {wanted}")])
        yield f"chown {files.owner}:{files.owner} {files.key} && chmod 600 {files.key}"
        return
    report([Difference(files.certificate, "missing or about to expire")])
    new = f"{files.folder}.new"
    yield f"rm -rf {new} && mkdir -m 700 {new}"
    yield StringCommand(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650",
        f"-keyout {new}/server.key -out {new}/server.crt -subj", QuoteString(f"/CN={common_name}"), "2>/dev/null",
    )  # fmt: skip
    yield (
        f"chown -R {files.owner}:{files.owner} {new} && chmod 600 {new}/server.key && "
        f"install -d -m 700 -o {files.owner} -g {files.owner} {files.folder} && "
        f"mv -fT {new}/server.crt {files.certificate} && mv -fT {new}/server.key {files.key} && rmdir {new}"
    )


@operation()
def stop_watch(unit: str, files: list[str]) -> Commands:
    """Have no unit that looks at certificates, where none is from an authority."""
    there: dict[str, Entry] = look(Entries, paths=files)
    if not there:
        host.noop("nothing is watched")
        return
    report(Difference(path, "is there") for path in there)
    yield StringCommand(
        "systemctl disable --now --quiet --", QuoteString(unit), "&& rm -f --", *map(QuoteString, files),
        "&& systemctl daemon-reload && systemctl reset-failed --", QuoteString(f"{unit.rpartition('.')[0]}*"),
    )  # fmt: skip
