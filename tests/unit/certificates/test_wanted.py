"""When a server's certificate is made anew, and that OpenSSL takes what is made, for these names and no others."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
from cryptography import x509 as cryptography_x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from declared import SECRET

from deploy.certificates import clients, issuing, x509
from deploy.certificates.authority import Authorities, Standing
from deploy.certificates.errors import AuthorityError
from deploy.certificates.facts import Pair, PairFact
from deploy.certificates.others import strangers
from deploy.certificates.wanted import certificate_of, clocks_differ, problems
from deploy.model.tls_files import Identity, TlsFiles

NAMES = ["store", "store.example.net", "10.0.3.10"]


def identity(*names: str, purpose: Literal["server", "peer"] = "server") -> Identity:
    """What is declared."""
    return Identity(TlsFiles("/srv/tls", "postgres"), names, purpose)


SERVER = identity(*NAMES)


def _key() -> tuple[ec.EllipticCurvePrivateKey, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    return key, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def pair(public_key: str, certificate: str) -> Pair:
    """With the right modes."""
    return Pair("700 postgres", "600 postgres", "644 postgres", public_key, certificate)


def _pair(authorities: Authorities, names: list[str] = NAMES) -> Pair:
    _, public = _key()
    return pair(public, x509.pem(issuing.for_server(authorities.signer(), public, names)))


def test_a_good_one_has_no_problems(authorities: Authorities) -> None:
    assert list(problems(_pair(authorities), SERVER, authorities)) == []
    # Whoever asks need not sign.
    assert list(problems(_pair(authorities), identity(*NAMES[::-1]), authorities)) == []


def test_a_certificate_for_other_containers_is_one_for_both_sides(authorities: Authorities) -> None:
    peer = identity("store", purpose="peer")
    _, public = _key()
    only_server = pair(public, x509.pem(issuing.for_server(authorities.signer(), public, ["store"])))
    assert list(problems(only_server, peer, authorities)) == ["is not that of a peer"]
    both = pair(public, x509.pem(issuing.for_server(authorities.signer(), public, ["store"], peer=True)))
    assert list(problems(both, peer, authorities)) == []


def test_each_problem_is_said(authorities: Authorities, monkeypatch: pytest.MonkeyPatch) -> None:
    good = _pair(authorities)
    assert list(problems(Pair(), SERVER, authorities)) == ["missing"]
    assert list(problems(pair(good.public_key, ""), SERVER, authorities)) == ["missing"]
    assert list(problems(pair(good.public_key, "nonsense"), SERVER, authorities)) == ["missing"]
    other = pair(_key()[1], good.certificate)
    assert list(problems(other, SERVER, authorities)) == ["is not that of its key"]
    [renamed] = problems(good, identity(*NAMES, "db.example.net"), authorities)
    assert renamed.startswith(
        "is for 10.0.3.10, store, store.example.net, not for store, store.example.net, 10.0.3.10, db"
    )
    later = x509.now() + x509.LIFETIME - x509.RENEWED_BEFORE + timedelta(days=1)
    monkeypatch.setattr(x509, "now", lambda: later)
    assert list(problems(good, SERVER, authorities)) == ["expires in 28 days"]
    much_later = later + x509.LIFETIME
    monkeypatch.setattr(x509, "now", lambda: much_later)
    assert list(problems(good, SERVER, authorities)) == ["has expired"]


def test_during_a_rollover_the_authority_that_signs_counts(authorities: Authorities) -> None:
    good, first = _pair(authorities), authorities.standing.signing
    authorities.add(signing=False)
    assert list(problems(good, SERVER, authorities)) == []
    [second] = set(authorities.trusted) - {first}
    authorities.stand(Standing(second, (first, second)))
    assert list(problems(good, SERVER, authorities)) == [f"is not from the authority that signs now ({second})"]
    authorities.stand(Standing(second, (second,)))
    [said] = problems(good, SERVER, authorities)
    assert said.endswith("nor from another one of this inventory")


def test_a_server_that_trusts_others_is_a_strangers(authorities: Authorities, tmp_path: Path) -> None:
    assert strangers("", authorities) == []
    assert strangers(authorities.bundle, authorities) == []
    assert strangers("-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n", authorities) == []
    other = Authorities(tmp_path / "other.ca", "prod", SECRET)
    other.add(signing=True)
    for bundle in (other.bundle, other.bundle + authorities.bundle):
        assert [*map(x509.identity, strangers(bundle, authorities))] == [other.standing.signing]
    # Not one that is trusted no more: the server has not been told yet.
    first, before = authorities.standing.signing, authorities.bundle
    authorities.add(signing=True)
    authorities.stand(Standing(authorities.standing.signing, (authorities.standing.signing,)))
    assert first not in authorities.trusted
    assert strangers(before, authorities) == []


def test_a_key_that_cannot_be_read_is_never_replaced(authorities: Authorities) -> None:
    with pytest.raises(AuthorityError, match="cannot be read as a key; move it away"):
        list(problems(Pair(key_mode="600 postgres"), SERVER, authorities))


def test_keys_that_an_operator_brought_along_are_signed_as_well(authorities: Authorities) -> None:
    for key in (rsa.generate_private_key(65537, 2048), ed25519.Ed25519PrivateKey.generate()):
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        made = x509.pem(issuing.for_server(authorities.signer(), public, NAMES))
        assert list(problems(pair(public, made), SERVER, authorities)) == []


def test_nothing_is_valid_for_longer_than_its_authority(
    authorities: Authorities, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = authorities.signing.not_valid_after_utc
    late = end - timedelta(days=20)
    monkeypatch.setattr(x509, "now", lambda: late)
    good = _pair(authorities)
    found = certificate_of(good)
    assert found
    assert found.not_valid_after_utc <= end
    assert list(problems(good, SERVER, authorities)) == ["expires in 20 days"]
    made = issuing.revocations(authorities.signer(), [])
    assert made.next_update_utc
    assert made.next_update_utc <= end


def test_clocks_may_differ_by_less_than_a_certificate_is_backdated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(x509, "now", lambda: datetime.fromtimestamp(1_000_000, UTC))
    assert [clocks_differ(Pair(clock=1_000_000 + seconds)) for seconds in (-3_599, 0, 3_599)] == ["", "", ""]
    assert clocks_differ(Pair(clock=1_000_000 - 3_600)) == "1.0 hours behind this machine's"
    assert clocks_differ(Pair(clock=1_000_000 + 86_400)) == "24.0 hours ahead of this machine's"
    assert clocks_differ(Pair()) == "", "nobody knows the clock of a container that is not there"


def test_the_fact_reads_what_the_command_prints(authorities: Authorities) -> None:
    good = _pair(authorities)
    modes = ["folder 700 postgres", "key 600 postgres", "certificate 644 postgres"]
    lines = [*modes, *good.public_key.splitlines(), *good.certificate.splitlines()]
    assert PairFact().process(lines) == good
    assert certificate_of(PairFact().process(lines[:1])) is None
    assert PairFact().process(["clock 1000000"]) == Pair(clock=1_000_000)
    assert PairFact().process(good.certificate.splitlines()) == Pair(certificate=good.certificate)


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
    _load(server, issuing.for_server(authorities.signer(), public, NAMES), key, folder)
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
