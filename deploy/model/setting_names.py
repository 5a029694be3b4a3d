"""Which settings PostgreSQL has, and which of them this product keeps for itself.

A misspelt name in postgresql.conf is found by the server at its next start, and then it does not start: so it is looked
up here before anything is touched. ``data/postgresql-<version>-settings.txt`` come from running servers.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

_EXTENSION_SETTING: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)+")
_DATA: Final = Path(__file__).with_name("data")

#: Settings that an operator must not override, each with the reason.
OWNED_SETTINGS: Final[Mapping[str, str]] = {
    "data_directory": "the cluster lies on the container's data volume",
    "hba_file": "who may connect is declared in the inventory and written to this one file",
    "ident_file": "it stands beside the hba file and is managed with it",
    "external_pid_file": "systemd and pg_ctlcluster look for it where Debian puts it",
    "port": "it is the same in every store: `make dsn`, the checks and the tunnels over SSH go there",
    "unix_socket_directories": "every managed psql call uses Debian's socket directory",
    "listen_addresses": "it follows from the container's address",
    "ssl": "the application is let in over TLS only",
    "ssl_cert_file": "the certificate is managed together with its key",
    "ssl_key_file": "the key is managed together with its certificate and its file mode",
    "ssl_ca_file": 'the authorities are those of `make ca`, with "tls": "authority"',
    "ssl_crl_file": "what is revoked is what `make revoke` says",
    "ssl_crl_dir": "what is revoked is what `make revoke` says",
    "password_encryption": "passwords are handed over as SCRAM-SHA-256 verifiers, and nothing else lets a client in",
    "session_replication_role": "any value but origin switches off foreign keys and ordinary triggers in the store",
}


@cache
def known_settings(version: int) -> frozenset[str]:
    """The names that PostgreSQL ``version`` takes in postgresql.conf."""
    path = _DATA / f"postgresql-{version}-settings.txt"
    if not path.is_file():
        raise ValueError(
            f"PostgreSQL {version}: its setting names are not known here; "
            f"take one of {', '.join(map(str, known_versions()))}, or add {path.relative_to(_DATA.parents[2])}"
        )
    lines = path.read_text(encoding="ascii").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def known_versions() -> list[int]:
    """The PostgreSQL versions that have a list of names."""
    return sorted(int(path.name.split("-")[1]) for path in _DATA.glob("postgresql-*-settings.txt"))


def check_setting_names(names: Iterable[str], version: int) -> list[str]:
    """A message for each name that PostgreSQL ``version`` does not have, with what was probably meant.

    The case of the letters counts, though not to the server: ``Shared_Buffers`` as an override would stand beside the
    derived ``shared_buffers`` and pass by its checks. Names with a dot (``auto_explain.log_min_duration``) are taken as
    they are, since they belong to extensions.
    """
    known = {name.lower(): name for name in known_settings(version)}
    problems = []
    for name in names:
        if name in known.values() or _EXTENSION_SETTING.fullmatch(name):
            continue
        close = difflib.get_close_matches(name.lower(), known, n=2, cutoff=0.7)
        hint = " or ".join(f'"{known[match]}"' for match in close)
        problems.append(
            f'"{name}": not a setting of PostgreSQL {version}' + (f"; did you mean {hint}?" if hint else "")
        )
    return problems


def check_owned_settings(names: Iterable[str]) -> list[str]:
    """A message for each name that is not the operator's to override."""
    return [
        f'"{name}": not to be overridden: {OWNED_SETTINGS[name.lower()]}'
        for name in names
        if name.lower() in OWNED_SETTINGS
    ]
