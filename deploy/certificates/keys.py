"""The keys of authorities: on the operator's disk they are encrypted with a passphrase, which comes from the environment."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from deploy.certificates.errors import AuthorityError
from deploy.model import private_files

#: The environment variable with the passphrase.
PASSPHRASE: Final = "EVENT_STORE_CA_PASSPHRASE"  # noqa: S105  its name
MIN_PASSPHRASE: Final = 12


def encrypted(key: ec.EllipticCurvePrivateKey, environment: Mapping[str, str]) -> bytes:
    """A key as PKCS #8 in PEM. Raises `AuthorityError` if there is no passphrase, or a short one."""
    passphrase = _passphrase(environment)
    if len(passphrase) < MIN_PASSPHRASE:
        raise AuthorityError(f"{PASSPHRASE} has {len(passphrase)} characters; {MIN_PASSPHRASE} are the least")
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase.encode()))


def decrypted(path: Path, environment: Mapping[str, str]) -> ec.EllipticCurvePrivateKey:
    """The key of a file. Raises `AuthorityError`."""
    try:
        if said := private_files.open_to_others(path, "0600"):
            raise AuthorityError(said)
        key = load_pem_private_key(path.read_bytes(), _passphrase(environment).encode())
    except FileNotFoundError:
        raise AuthorityError(f"{path}: the authority's key is not here; bring it along from your backup") from None
    except (ValueError, TypeError) as error:
        if isinstance(error, AuthorityError):
            raise
        raise AuthorityError(f"{path}: cannot be decrypted; is {PASSPHRASE} the right passphrase?") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise AuthorityError(f"{path}: is not the key of an authority; restore it from your backup")
    return key


def _passphrase(environment: Mapping[str, str]) -> str:
    given = environment.get(PASSPHRASE, "")
    if not given:
        raise AuthorityError(f"something is to be signed, and {PASSPHRASE} is not set; export the CA's passphrase")
    return given
