import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.database.scram import Verifier, verifier

passwords = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=40)
# One round keeps the properties quick; the number of rounds is the vector's business.
ONCE = 1

# RFC 7677, section 3: user "user", password "pencil".
RFC_SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
RFC_MESSAGES = (
    b"n=user,r=rOprNGfwEbeRWgbNEkqO,"
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
)
RFC_CLIENT_PROOF = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
RFC_SERVER_SIGNATURE = base64.b64decode("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


def test_the_published_exchange_succeeds_with_the_derived_keys() -> None:
    keys = Verifier.derive("pencil", RFC_SALT)
    assert hmac.digest(keys.server_key, RFC_MESSAGES, "sha256") == RFC_SERVER_SIGNATURE
    signature = hmac.digest(keys.stored_key, RFC_MESSAGES, "sha256")
    client_key = bytes(a ^ b for a, b in zip(RFC_CLIENT_PROOF, signature, strict=True))
    assert hashlib.sha256(client_key).digest() == keys.stored_key


def test_the_verifier_has_postgresqls_format() -> None:
    assert verifier("pencil", salt=RFC_SALT) == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="
        "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )


def test_every_verifier_has_its_own_salt() -> None:
    first, second = verifier("pencil", iterations=ONCE), verifier("pencil", iterations=ONCE)
    assert first != second
    assert len(base64.b64decode(first.split(":")[1].split("$")[0])) == 16


@given(passwords, passwords, st.binary(min_size=1, max_size=32))
def test_equal_passwords_and_no_others_give_equal_verifiers(one: str, other: str, salt: bytes) -> None:
    assert (verifier(one, salt=salt, iterations=ONCE) == verifier(other, salt=salt, iterations=ONCE)) is (one == other)


@pytest.mark.parametrize("password", ["", "pässword", "tab\tinside", "new\nline", "\x7f"])
def test_other_than_printable_ascii_is_refused_and_not_printed(password: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII") as error:
        verifier(password)
    assert not password or password not in str(error.value)


def test_the_keys_are_not_shown() -> None:
    assert "key" not in repr(Verifier.derive("pencil", RFC_SALT))


def test_a_salt_and_an_iteration_are_needed() -> None:
    with pytest.raises(ValueError, match="salt and at least one iteration"):
        verifier("pencil", salt=b"")
    with pytest.raises(ValueError, match="salt and at least one iteration"):
        verifier("pencil", iterations=0)
