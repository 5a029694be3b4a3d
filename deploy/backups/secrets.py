"""Operations for the secrets of a repository: what it is encrypted with, and what opens the bucket that it may be in."""

from pyinfra.api import StringCommand, operation
from pyinfra.context import host

from deploy.backups.config import KEY_FILE, REPOSITORY, STORAGE_KEY_FILE, key_text, storage_key_text
from deploy.machine import command_line
from deploy.machine.differences import Commands, refuse, report
from deploy.machine.files import Entries, Entry
from deploy.machine.look import look
from deploy.machine.records import Difference
from deploy.machine.secret_files import SecretFile, SecretFileFact, digest, written
from deploy.model import object_storage
from deploy.model.backup_repositories import KEY_ENTRY
from deploy.model.passwords import Passwords

_OWNER = "root:postgres"
_MODE = "640"
_HAVE_FOLDER = f"install -d -m 755 -- {KEY_FILE.rpartition('/')[0]}"


@operation()
def have_key(passwords: Passwords, container: str) -> Commands:
    """Have the key that the repository is encrypted with. It is never replaced: nothing could be read any more."""
    there: SecretFile | None = look(SecretFileFact, path=KEY_FILE)
    kept = passwords.get(container, KEY_ENTRY)
    if there and kept is None:
        yield refuse(
            f"{KEY_FILE} is there, and {passwords.where} has no entry {KEY_ENTRY} of {container}; restore that from your backup, "
            f"or put what {KEY_FILE} says there"
        )
        return
    if there and kept and there.digest != digest(key_text(kept)):
        yield refuse(
            f"{KEY_FILE} is another key than entry {KEY_ENTRY} of {container} in {passwords.where}; put the right one there: "
            "nobody can read the backups without it"
        )
        return
    if there and (there.mode, there.owner) == (_MODE, _OWNER):
        host.noop("the key is there")
        return
    kept_already: dict[str, Entry] = look(Entries, paths=[f"{REPOSITORY}/archive"])
    if there is None and kept is None and kept_already:
        yield refuse(
            f"{REPOSITORY} has backups, and neither {passwords.where} nor the container has the key that they are encrypted with; "
            f"restore entry {KEY_ENTRY} of {container} from your backup"
        )
        return
    report([Difference(KEY_FILE, f"mode and owner are {there.mode} {there.owner}" if there else "missing")])
    if command_line.dry or not host.state.is_executing:
        yield "true"  # no key is made for a plan
        return
    yield _HAVE_FOLDER
    yield written(KEY_FILE, key_text(passwords.get_or_generate(container, KEY_ENTRY)), _MODE, _OWNER)


@operation()
def have_storage_key(passwords: Passwords, container: str, needed: bool) -> Commands:
    """Have what opens the bucket, as it is kept with the operator's secrets; nothing of it if it is not ``needed``."""
    there: SecretFile | None = look(SecretFileFact, path=STORAGE_KEY_FILE)
    if not needed:
        if there:
            report([Difference(STORAGE_KEY_FILE, "is there, and no bucket is declared")])
            yield StringCommand("rm -f --", STORAGE_KEY_FILE)
        return
    entries = (object_storage.KEY_ENTRY, object_storage.SECRET_ENTRY)
    key, secret = (passwords.get(container, entry) or "" for entry in entries)
    text = storage_key_text(key, secret)
    if there == SecretFile(digest(text), _MODE, _OWNER):
        host.noop("the keys of the bucket are there")
        return
    if there and there.digest == digest(text):
        what = f"mode and owner are {there.mode} {there.owner}"
    else:
        what = "differs from what is kept" if there else "missing"
    report([Difference(STORAGE_KEY_FILE, what)])
    yield _HAVE_FOLDER
    yield written(STORAGE_KEY_FILE, text, _MODE, _OWNER)
