"""The keys of authorities: on the operator's disk they are age files, encrypted with a passphrase of the environment.

age derives its key with scrypt, which makes each guess cost a second. `age --decrypt` reads the files as well.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pyrage
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from deploy.certificates.errors import AuthorityError
from deploy.model import private_files

#: The environment variable with the passphrase.
PASSPHRASE: Final = "EVENT_STORE_CA_PASSPHRASE"  # noqa: S105  its name
MIN_PASSPHRASE: Final = 12


def encrypted(key: ec.EllipticCurvePrivateKey, environment: Mapping[str, str]) -> bytes:
    """A key as PKCS #8 in PEM in an age file. Raises `AuthorityError` if there is no passphrase, or a short one."""
    passphrase = _passphrase(environment)
    if len(passphrase) < MIN_PASSPHRASE:
        raise AuthorityError(f"{PASSPHRASE} has {len(passphrase)} characters; {MIN_PASSPHRASE} are the least")
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return bytes(pyrage.passphrase.encrypt(pem, passphrase))


def decrypted(path: Path, environment: Mapping[str, str]) -> ec.EllipticCurvePrivateKey:
    """The key of a file. Raises `AuthorityError`."""
    try:
        if said := private_files.open_to_others(path, "0600"):
            raise AuthorityError(said)
        content = path.read_bytes()
    except FileNotFoundError:
        raise AuthorityError(f"{path}: the authority's key is not here; bring it along from your backup") from None
    passphrase = _passphrase(environment)
    try:
        key = load_pem_private_key(pyrage.passphrase.decrypt(content, passphrase), None)
    except (pyrage.DecryptError, ValueError):
        raise AuthorityError(f"{path}: cannot be decrypted; is {PASSPHRASE} the right passphrase?") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise AuthorityError(f"{path}: is not the key of an authority; restore it from your backup")
    return key


def _passphrase(environment: Mapping[str, str]) -> str:
    given = environment.get(PASSPHRASE, "")
    if not given:
        raise AuthorityError(f"something is to be signed, and {PASSPHRASE} is not set; export the CA's passphrase")
    return given
