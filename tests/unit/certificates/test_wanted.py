"""When a server's certificate is made anew, and that OpenSSL takes what is made, for these names and no others."""

import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509 as cryptography_x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from declared import SECRET

from deploy.certificates import clients, x509
from deploy.certificates.authority import Authorities, Standing
from deploy.certificates.facts import Pair, PairFact
from deploy.certificates.wanted import certificate_of, problems, stranger

NAMES = ["store", "store.example.net", "10.0.3.10"]


def _key() -> tuple[ec.EllipticCurvePrivateKey, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    return key, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _pair(authorities: Authorities, names: list[str] = NAMES) -> Pair:
    _, public = _key()
    return Pair("600 postgres", public, x509.pem(x509.for_server(authorities.signer(), public, names)))


def test_a_good_one_has_no_problems(authorities: Authorities) -> None:
    assert list(problems(_pair(authorities), NAMES, authorities)) == []
    # Whoever asks need not sign.
    assert list(problems(_pair(authorities), NAMES[::-1], authorities)) == []


def test_each_problem_is_said(authorities: Authorities, monkeypatch: pytest.MonkeyPatch) -> None:
    good = _pair(authorities)
    assert list(problems(Pair(), NAMES, authorities)) == ["missing"]
    assert list(problems(Pair("600 postgres", "", ""), NAMES, authorities)) == ["has no key"]
    assert list(problems(Pair("600 postgres", good.public_key, ""), NAMES, authorities)) == ["missing"]
    assert list(problems(Pair("600 postgres", good.public_key, "nonsense"), NAMES, authorities)) == ["missing"]
    other = Pair("600 postgres", _key()[1], good.certificate)
    assert list(problems(other, NAMES, authorities)) == ["is not that of its key"]
    [renamed] = problems(good, [*NAMES, "db.example.net"], authorities)
    assert renamed.startswith(
        "is for 10.0.3.10, store, store.example.net, not for store, store.example.net, 10.0.3.10, db"
    )
    later = x509.now() + x509.LIFETIME - x509.RENEWED_BEFORE + timedelta(days=1)
    monkeypatch.setattr(x509, "now", lambda: later)
    assert list(problems(good, NAMES, authorities)) == ["expires in 28 days"]
    much_later = later + x509.LIFETIME
    monkeypatch.setattr(x509, "now", lambda: much_later)
    assert list(problems(good, NAMES, authorities)) == ["has expired"]


def test_during_a_rollover_the_authority_that_signs_counts(authorities: Authorities) -> None:
    good, first = _pair(authorities), authorities.standing.signing
    authorities.add(signing=False)
    assert list(problems(good, NAMES, authorities)) == []
    [second] = set(authorities.trusted) - {first}
    authorities.stand(Standing(second, (first, second)))
    assert list(problems(good, NAMES, authorities)) == [f"is not from the authority that signs now ({second})"]
    authorities.stand(Standing(second, (second,)))
    [said] = problems(good, NAMES, authorities)
    assert said.endswith("nor from another one of this inventory")


def test_a_server_that_trusts_others_is_a_strangers(authorities: Authorities, tmp_path: Path) -> None:
    assert stranger("", authorities) is None
    assert stranger(authorities.bundle, authorities) is None
    assert stranger("-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n", authorities) is None
    other = Authorities(tmp_path / "other.ca", "prod", SECRET)
    other.add(signing=True)
    assert stranger(other.bundle, authorities) == other.standing.signing
    assert stranger(other.bundle + authorities.bundle, authorities) is None
    # Also one that is trusted no more: the server has not been told yet.
    first = authorities.standing.signing
    before = authorities.bundle
    authorities.add(signing=True)
    authorities.stand(Standing(authorities.standing.signing, (authorities.standing.signing,)))
    assert first not in authorities.trusted
    assert stranger(before, authorities) is None


def test_the_fact_reads_what_the_command_prints(authorities: Authorities) -> None:
    good = _pair(authorities)
    lines = ["mode 600 postgres", *good.public_key.splitlines(), *good.certificate.splitlines()]
    assert PairFact().process(lines) == good
    assert certificate_of(PairFact().process(lines[:1])) is None
    assert PairFact().process(good.certificate.splitlines()) == Pair("", "", good.certificate)


@pytest.mark.parametrize(
    ("name", "verified"),
    [
        ("store", True), ("store.example.net", True), ("10.0.3.10", True), ("10.0.3.11", False), ("other", False),
        ("sub.store", False),
    ],
)  # fmt: skip
def test_openssl_takes_it_for_its_names_only(
    authorities: Authorities, tmp_path: Path, name: str, verified: bool
) -> None:
    server, client = _contexts(authorities, tmp_path)
    said = _handshake(server, client, name)
    assert (said == "") is verified, said


def test_openssl_knows_who_is_revoked(authorities: Authorities, tmp_path: Path) -> None:
    server, client = _contexts(authorities, tmp_path)
    server.verify_mode, server.verify_flags = ssl.CERT_REQUIRED, ssl.VERIFY_CRL_CHECK_CHAIN
    made = clients.issue(authorities, "stock_analysis_user")
    (tmp_path / "ca.pem").write_text(authorities.bundle + clients.bundle(authorities))
    server.load_verify_locations(tmp_path / "ca.pem")
    _load(client, made.certificate, made.key, tmp_path)
    assert _handshake(server, client, "store") == ""
    clients.revoke(authorities, f"{made.certificate.serial_number:x}")
    revoked, again = _contexts(authorities, tmp_path)
    revoked.verify_mode, revoked.verify_flags = ssl.CERT_REQUIRED, ssl.VERIFY_CRL_CHECK_CHAIN
    (tmp_path / "ca.pem").write_text(authorities.bundle + clients.bundle(authorities))
    revoked.load_verify_locations(tmp_path / "ca.pem")
    _load(again, made.certificate, made.key, tmp_path)
    assert "certificate revoked" in _handshake(revoked, again, "store")


def _contexts(authorities: Authorities, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    key, public = _key()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load(server, x509.for_server(authorities.signer(), public, NAMES), key, folder)
    client = ssl.create_default_context(cadata=authorities.bundle)
    return server, client


def _load(
    context: ssl.SSLContext,
    certificate: cryptography_x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    folder: Path,
) -> None:
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    (folder / "chain.pem").write_text(text + x509.pem(certificate))
    context.load_cert_chain(folder / "chain.pem")


def _handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> str:
    """In memory; what failed, or nothing."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError as error:
                return str(error)
    return ""
