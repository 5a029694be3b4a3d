"""What `event-store rotate` refuses before it looks at any machine."""

from pathlib import Path

import pytest

from deploy.commands import exits
from deploy.commands.program import main
from deploy.model.project import ROOT

VARIABLE = "EVENT_STORE_PASSWORD_STOCK_ANALYSIS_USER"
GOOD = "correct-horse-battery-staple"


def refusal(tmp_path: Path, capsys: pytest.CaptureFixture[str], keys: str, command: str = "rotate") -> str:
    """Of a store that was never deployed, at a host that does not exist."""
    file = tmp_path / "rotated.py"
    file.write_text(
        f'lxc_hosts = ["nowhere.invalid"]\nevent_stores = [("@lxcssh/nowhere.invalid:one", {{"address": "10.0.3.11", {keys}}})]\n'
    )
    try:
        assert main([command, "-i", str(file)]) == exits.FAILED
    finally:
        for left in (ROOT / ".secrets").glob("rotated.rotation.*"):
            left.unlink()
    assert not (ROOT / ".secrets" / "rotated.json").exists()
    return capsys.readouterr().err


def test_what_cannot_store_does_not_rotate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, GOOD)
    said = refusal(tmp_path, capsys, '"secrets": "environment"')
    assert "the password is from the environment, which cannot store another one beside it" in said
    assert GOOD not in said


def test_what_cannot_store_says_what_to_export(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    said = refusal(tmp_path, capsys, '"secrets": "environment"', command="dsn")
    assert f'"secrets": "environment", and {VARIABLE} is not set; export it' in said


def test_a_variable_that_wins_over_what_is_stored_does_not_rotate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, GOOD)
    assert f"put the password there, and unset {VARIABLE}" in refusal(tmp_path, capsys, "")


def test_a_certificate_alone_is_no_password(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refusal(tmp_path, capsys, '"tls": "authority", "authentication": "certificate"')
    assert "logs in with a certificate and without a password" in said


def test_what_was_never_deployed_has_nothing_to_rotate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "@lxcssh/nowhere.invalid:one has no password yet; deploy it first" in refusal(tmp_path, capsys, "")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("age:secrets/absent.age", "EVENT_STORE_AGE_IDENTITY is not set; export the path of your identity"),
        ("vault:secret", "secrets = 'vault:secret': "),
    ],
)
def test_a_provider_that_cannot_be_used_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, key: str, message: str
) -> None:
    monkeypatch.delenv("EVENT_STORE_AGE_IDENTITY", raising=False)
    assert message in refusal(tmp_path, capsys, f'"secrets": "{key}"')
