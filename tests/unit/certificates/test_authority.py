"""The operator's authorities: what is on the disk, and what is said if it is not as it should be."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from declared import SECRET

from deploy.certificates import clients, issuing, x509
from deploy.certificates.authority import Authorities, Standing
from deploy.certificates.errors import AuthorityError
from deploy.certificates.keys import PASSPHRASE
from deploy.certificates.others import is_ahead, list_of, strangers


def test_the_key_is_encrypted_and_nothing_is_for_others_to_read(authorities: Authorities, folder: Path) -> None:
    [key] = folder.glob("*.key*")
    assert key.read_bytes().startswith(b"age-encryption.org/v1\n-> scrypt ")
    assert {path.stat().st_mode & 0o077 for path in (folder, *folder.iterdir())} == {0}
    assert SECRET[PASSPHRASE].encode() not in b"".join(path.read_bytes() for path in folder.iterdir())


def test_another_process_reads_what_one_has_made(authorities: Authorities, folder: Path) -> None:
    other = Authorities(folder, "prod", SECRET)
    assert other.standing == authorities.standing
    assert other.signer().certificate == authorities.signing
    assert (folder / "ca.crt").read_text() == other.bundle == x509.pem(authorities.signing)
    (folder / "ca.crt").unlink()
    assert other.have_bundle_file().read_text() == other.bundle


def test_without_a_passphrase_everything_but_signing_goes_on(authorities: Authorities, folder: Path) -> None:
    other = Authorities(folder, "prod", {})
    assert other.bundle
    assert other.revocations()
    with pytest.raises(AuthorityError, match=f"{PASSPHRASE} is not set; export"):
        other.signer()


def test_a_wrong_passphrase_is_said_without_it(folder: Path, authorities: Authorities) -> None:
    with pytest.raises(AuthorityError, match="cannot be decrypted") as refused:
        Authorities(folder, "prod", {PASSPHRASE: "wrong wrong wrong"}).signer()
    assert "wrong wrong" not in str(refused.value)


@pytest.mark.parametrize(("given", "says"), [({}, "is not set"), ({PASSPHRASE: "short"}, "has 5 characters")])
def test_an_authority_needs_a_passphrase_and_without_one_there_is_none(
    folder: Path, given: dict[str, str], says: str
) -> None:
    with pytest.raises(AuthorityError, match=says):
        Authorities(folder, "prod", given).add(signing=True)
    assert not folder.exists()


def test_without_an_authority_it_is_said_how_to_make_or_bring_one(folder: Path) -> None:
    with pytest.raises(AuthorityError, match="`make ca` makes it; if it has, bring that folder along"):
        _ = Authorities(folder, "prod", SECRET).bundle


def test_the_authority_of_another_inventory_is_refused(authorities: Authorities, folder: Path) -> None:
    with pytest.raises(AuthorityError, match="'prod': these are the authorities of another inventory than staging"):
        _ = Authorities(folder, "staging", SECRET).bundle
    # As the message says for an inventory that was renamed.
    record = folder / "authorities.json"
    record.write_text(record.read_text().replace('"prod"', '"staging"'))
    assert Authorities(folder, "staging", SECRET).signer()


def test_a_name_that_is_too_long_for_a_certificate_is_cut(tmp_path: Path) -> None:
    made = Authorities(tmp_path / "x.ca", "x" * 100, SECRET)
    made.add(signing=True)
    assert Authorities(tmp_path / "x.ca", "x" * 100, SECRET).bundle


def test_an_expired_authority_signs_nothing(
    authorities: Authorities, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = x509.now() + x509.AUTHORITY_LIFETIME + timedelta(days=1)
    monkeypatch.setattr(x509, "now", lambda: later)
    with pytest.raises(AuthorityError, match=r"has expired on .*rollover STEP=begin"):
        Authorities(folder, "prod", SECRET).signer()


def stand_on(record: Path) -> None:
    """Have another one sign than is trusted."""
    record.write_text(json.dumps(json.loads(record.read_text()) | {"signing": "another"}))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda folder, _: (folder / "authorities.json").write_text("{"), "cannot be read; restore"),
        (lambda folder, _: (folder / "authorities.json").write_text("[]"), "cannot be read; restore"),
        (lambda folder, _: stand_on(folder / "authorities.json"), "is not one of those that are trusted"),
        (lambda folder, one: (folder / f"{one}.crt").unlink(), "no certificate"),
        (lambda folder, one: (folder / f"{one}.crt").write_text("nonsense"), "no certificate"),
        (lambda folder, one: (folder / f"{one}.key.age").unlink(), "key is not here; bring it along"),
        (lambda folder, one: (folder / f"{one}.key.age").write_text("nonsense"), "cannot be decrypted"),
        (lambda folder, one: (folder / f"{one}.key.age").chmod(0o644), "others can read it; run `chmod 0600"),
        (lambda folder, _: folder.chmod(0o755), "others can read it; run `chmod 0700"),
    ],
)
def test_what_is_damaged_is_named(authorities: Authorities, folder: Path, damage: object, says: str) -> None:
    assert callable(damage)
    damage(folder, authorities.standing.signing)
    with pytest.raises(AuthorityError, match=says):
        Authorities(folder, "prod", SECRET).signer()


def test_the_key_of_another_authority_is_refused(authorities: Authorities, folder: Path) -> None:
    first = authorities.standing.signing
    authorities.add(signing=False)
    [second] = set(authorities.trusted) - {first}
    (folder / f"{first}.key.age").write_bytes((folder / f"{second}.key.age").read_bytes())
    with pytest.raises(AuthorityError, match="is not the key of"):
        Authorities(folder, "prod", SECRET).signer()


def test_a_second_authority_is_trusted_beside_the_first_and_signs_when_it_is_told_to(authorities: Authorities) -> None:
    first = authorities.standing.signing
    authorities.add(signing=False)
    [second] = set(authorities.trusted) - {first}
    assert authorities.standing == Standing(first, (first, second))
    assert authorities.bundle.count("BEGIN CERTIFICATE") == 2
    authorities.stand(Standing(second, (first, second)))
    assert authorities.signing == authorities.trusted[second]
    authorities.stand(Standing(second, (second,)))
    assert [*authorities.trusted] == [second]
    assert (authorities.folder / "ca.crt").read_text() == x509.pem(authorities.signing)


def test_an_authority_whose_folder_is_lost_is_adopted_from_a_server(authorities: Authorities, tmp_path: Path) -> None:
    lost, bundle, lists = authorities.standing.signing, authorities.bundle, clients.bundle(authorities)
    new = Authorities(tmp_path / "elsewhere" / "prod.ca", "prod", SECRET)
    new.add(signing=True)
    [found] = strangers(bundle, new)
    for _ in range(2):  # of a run that was killed, once more
        new.adopt(found, list_of(found, lists, "a server"))
        assert strangers(bundle, new) == []
        assert sorted(new.trusted) == sorted({lost, new.standing.signing})
    assert new.standing.signing != lost
    assert not new.has_key(lost)
    assert {*new.revocations()} == {*new.trusted}


def test_what_is_no_authority_or_comes_without_its_list_is_not_adopted(
    authorities: Authorities, tmp_path: Path
) -> None:
    leaf = issuing.for_client(authorities.signer(), "stock_analysis_user").certificate
    with pytest.raises(AuthorityError, match=r"a server: [0-9a-f]+ is not the certificate of an authority"):
        list_of(leaf, clients.bundle(authorities), "a server")
    other = issuing.authority("other")
    others = x509.pem(issuing.revocations(other, []))
    for lists in ("", "nonsense-----END X509 CRL-----", others):
        with pytest.raises(AuthorityError, match="has no list of revoked certificates"):
            list_of(authorities.signing, lists, "a server")


def test_an_old_copy_of_the_folder_is_found_out(authorities: Authorities, folder: Path, tmp_path: Path) -> None:
    """It would take revocations back, and the next authority of a rollover."""
    serial = f"{clients.issue(authorities, 'stock_analysis_user').certificate.serial_number:x}"
    copy = tmp_path / "copy" / "prod.ca"
    shutil.copytree(folder, copy)
    clients.revoke(authorities, serial)
    old = Authorities(copy, "prod", SECRET)
    assert is_ahead(clients.bundle(authorities), old)
    assert not is_ahead(clients.bundle(old), authorities)
    assert not is_ahead(clients.bundle(authorities), authorities)
    assert not is_ahead("nonsense-----END X509 CRL-----", authorities)
    authorities.add(signing=False)
    assert len(strangers(authorities.bundle, old)) == 1


def test_the_record_is_replaced_as_a_whole(authorities: Authorities, folder: Path) -> None:
    assert json.loads((folder / "authorities.json").read_text())["signing"] == authorities.standing.signing
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
