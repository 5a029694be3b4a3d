"""Certificates of clients: issued, revoked, and lists of revoked ones that are made anew in time."""

from datetime import timedelta
from pathlib import Path

import pytest
from declared import SECRET

from deploy.certificates import clients, x509
from deploy.certificates.authority import Authorities
from deploy.certificates.errors import AuthorityError

ROLE = "stock_analysis_user"


def _revoked(authorities: Authorities) -> set[str]:
    lists = x509.lists(clients.bundle(authorities))
    return {f"{entry.serial_number:x}" for found in lists for entry in found}


def test_a_certificate_is_on_record_with_its_role(authorities: Authorities) -> None:
    made = clients.issue(authorities, ROLE)
    [found] = clients.issued(authorities)
    assert found.serial == f"{made.certificate.serial_number:x}"
    assert (found.role, found.authority, found.revoked) == (ROLE, authorities.standing.signing, None)
    assert made.certificate.subject.rfc4514_string() == f"CN={ROLE}"
    assert x509.signed_by(authorities.signing, made.certificate)
    assert clients.valid(found)


def test_a_revoked_one_is_on_the_list_of_its_authority(authorities: Authorities) -> None:
    one, other = (clients.issue(authorities, ROLE) for _ in range(2))
    first = f"{one.certificate.serial_number:x}"
    assert _revoked(authorities) == set()
    # As openssl prints it.
    assert clients.revoke(authorities, ":".join([first.upper()[at : at + 2] for at in range(0, len(first), 2)])).revoked
    assert _revoked(authorities) == {first}
    assert [clients.valid(client) for client in clients.issued(authorities)] == [False, True]
    since = clients.issued(authorities)[0].revoked
    assert clients.revoke(authorities, first).revoked == since
    clients.revoke(authorities, f"{other.certificate.serial_number:x}")
    assert len(_revoked(authorities)) == 2


def test_one_that_was_never_issued_is_refused_with_those_that_were(authorities: Authorities) -> None:
    with pytest.raises(AuthorityError, match="no certificate abc was issued here; valid are none"):
        clients.revoke(authorities, "abc")
    made = clients.issue(authorities, ROLE)
    with pytest.raises(AuthorityError, match=rf"valid are {made.certificate.serial_number:x} \({ROLE}\)"):
        clients.revoke(authorities, "abc")


def test_without_the_passphrase_nothing_is_half_revoked(authorities: Authorities, folder: Path) -> None:
    serial = f"{clients.issue(authorities, ROLE).certificate.serial_number:x}"
    with pytest.raises(AuthorityError):
        clients.revoke(Authorities(folder, "prod", {}), serial)
    assert clients.issued(authorities)[0].revoked is None


def test_a_list_is_made_anew_before_it_expires_and_keeps_what_is_on_it(
    authorities: Authorities, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serial = f"{clients.issue(authorities, ROLE).certificate.serial_number:x}"
    clients.revoke(authorities, serial)
    assert clients.due(authorities) == {}
    later = x509.now() + x509.LIFETIME - x509.RENEWED_BEFORE + timedelta(days=1)
    monkeypatch.setattr(x509, "now", lambda: later)
    assert [*clients.due(authorities)] == [authorities.standing.signing]
    before = clients.bundle(authorities)
    with pytest.raises(AuthorityError):
        clients.renew(Authorities(folder, "prod", {}))
    assert clients.bundle(authorities) == before
    clients.renew(authorities)
    assert clients.due(authorities) == {}
    assert _revoked(authorities) == {serial}
    # What has expired is refused anyway.
    much_later = later + x509.LIFETIME
    monkeypatch.setattr(x509, "now", lambda: much_later)
    clients.renew(authorities)
    assert _revoked(authorities) == set()


def test_a_revocation_that_was_cut_off_is_finished(authorities: Authorities, monkeypatch: pytest.MonkeyPatch) -> None:
    serial = f"{clients.issue(authorities, ROLE).certificate.serial_number:x}"
    with monkeypatch.context() as patch:
        patch.setattr(Authorities, "write_revocations", cut_off)
        with pytest.raises(KeyboardInterrupt):
            clients.revoke(authorities, serial)
    assert _revoked(authorities) == set()
    assert clients.due(authorities) == {authorities.standing.signing: "is without a certificate that was revoked"}
    clients.renew(authorities)
    assert _revoked(authorities) == {serial}
    assert clients.due(authorities) == {}


def cut_off(*_: object) -> None:
    raise KeyboardInterrupt


def test_the_key_of_the_one_that_signs_is_missed_where_its_list_is_due(
    authorities: Authorities, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in CI, where the folder is without its keys: that is not a lost authority."""
    one = authorities.standing.signing
    (folder / f"{one}.key.age").unlink()
    later = x509.now() + x509.LIFETIME
    monkeypatch.setattr(x509, "now", lambda: later)
    assert [*clients.due(Authorities(folder, "prod", SECRET))] == [one]


def test_the_list_of_a_lost_authority_cannot_be_made_anew(
    authorities: Authorities, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = Authorities(tmp_path / "elsewhere" / "prod.ca", "prod", SECRET)
    new.add(signing=True)
    new.adopt(authorities.signing, authorities.revocations()[authorities.standing.signing])
    later = x509.now() + x509.LIFETIME
    monkeypatch.setattr(x509, "now", lambda: later)
    assert [*clients.due(new)] == [new.standing.signing]


def test_after_a_rollover_certificates_of_the_old_authority_are_none_to_revoke(authorities: Authorities) -> None:
    first = authorities.standing.signing
    serial = f"{clients.issue(authorities, ROLE).certificate.serial_number:x}"
    authorities.add(signing=True)
    second = authorities.standing.signing
    clients.revoke(authorities, serial)
    assert len(x509.lists(clients.bundle(authorities))) == 2
    authorities.stand(type(authorities.standing)(second, (second,)))
    assert first not in authorities.trusted
    with pytest.raises(AuthorityError, match="is not trusted any more"):
        clients.revoke(authorities, serial)


def test_a_record_that_nobody_can_read_is_named(authorities: Authorities, folder: Path) -> None:
    (folder / "clients.json").write_text('[{"serial": "1"}]')
    with pytest.raises(AuthorityError, match=r"clients.json: 0.role: Field required; restore it"):
        clients.issued(authorities)
