"""What `make dsn` prints is read back by each kind of reader, whatever the password is; and nobody puts it on a command line."""

import json
import re
import subprocess
from urllib.parse import parse_qsl, unquote, urlsplit

import psycopg
import pytest
from doc_pages import PAGES

from deploy.commands.dsn_formats import FORMATS, WayIn
from deploy.model.project import ROOT

PASSWORDS = ("plain", "a/b+c=", 'it\'s "$HOME" `id`', "%41:@?#&;\\ü", "--x")


def way_in(password: str) -> WayIn:
    return WayIn("10.0.3.11", 5432, "stock_analysis_event_store", "stock_analysis_user", password)


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("form", ["uri", "node", "sqlalchemy", "sqlalchemy-asyncpg"])
def test_a_url_has_all_of_it(form: str, password: str) -> None:
    url = urlsplit(FORMATS[form](way_in(password)))
    assert (url.hostname, url.port, url.path) == ("10.0.3.11", 5432, "/stock_analysis_event_store")
    assert (url.username, unquote(url.password or "")) == ("stock_analysis_user", password)
    assert url.query
    assert not url.fragment


@pytest.mark.parametrize("password", PASSWORDS)
def test_the_uri_is_what_libpq_reads(password: str) -> None:
    read = psycopg.conninfo.conninfo_to_dict(FORMATS["uri"](way_in(password)))
    assert read["password"] == password
    assert read["sslmode"] == "require"


@pytest.mark.parametrize("password", PASSWORDS)
def test_jdbc_has_the_password_among_its_parameters(password: str) -> None:
    url = urlsplit(FORMATS["jdbc"](way_in(password)).removeprefix("jdbc:"))
    expected = {"user": "stock_analysis_user", "password": password, "sslmode": "require"}
    assert dict(parse_qsl(url.query, strict_parsing=True)) == expected
    assert "@" not in url.netloc


@pytest.mark.parametrize("password", PASSWORDS)
def test_the_parts_are_what_they_are(password: str) -> None:
    assert WayIn(**json.loads(FORMATS["parts"](way_in(password)))) == way_in(password)


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_shell_reads_the_environment(password: str) -> None:
    script = f'{FORMATS["env"](way_in(password))}\nprintf "%s\\n" "$PGHOST:$PGPORT:$PGDATABASE:$PGUSER:$PGSSLMODE" "$PGPASSWORD"'
    done = subprocess.run(["bash", "-u"], input=script, capture_output=True, encoding="utf-8", check=True)
    address = "10.0.3.11:5432:stock_analysis_event_store:stock_analysis_user:require"
    assert done.stdout.splitlines() == [address, password]


def test_the_password_is_in_no_repr() -> None:
    assert "plain" not in repr(way_in("plain"))


def test_nobody_is_told_to_put_the_password_on_a_command_line() -> None:
    """Everybody on the machine sees the arguments of all processes. `export` and `eval` are the shell's own, and no process."""
    texts = {str(page): page.text for page in PAGES} | {"Makefile": (ROOT / "Makefile").read_text()}
    texts |= {str(path): path.read_text() for path in (ROOT / "deploy").rglob("*.py")}
    call = re.compile(r'(\S+)[ ]"?\$+\([^)\n]*\bdsn\b')
    assert call.findall('psql "$(make -s dsn)"; psql "$$(event-store dsn)"') == ["psql", "psql"]
    found = {(name, word) for name, text in texts.items() for word in call.findall(text)}
    assert {(name, word) for name, word in found if word.strip("`") != "eval"} == set()
