"""The page about drivers has every format of `make dsn`, and says of every driver what it makes of each thing."""

import re

import pytest
from doc_pages import Page, rows

from deploy.commands.dsn_formats import FORMATS
from deploy.model.project import ROOT

PAGE = Page(ROOT / "docs" / "drivers.md")
DRIVERS = (
    "psycopg", "psycopg2", "asyncpg", "pg8000", "SQLAlchemy", "Django", "`pg`", "`postgres`", "pg-promise", "drizzle",
    "kysely", "knex", "pgjdbc", "lib/pq", "pgx", "ruby pg", "DBD::Pg", "PDO", "ODBC",
)  # fmt: skip
#: What differs from driver to driver.
SECTIONS = (
    "Connect",
    "Payloads, and arrays of events",
    "Cursors",
    "Errors",
    "Listening",
    "After a restart of the server",
)


def _sections() -> dict[str, str]:
    parts = re.split(r"^## (.*)\n", PAGE.text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_format_is_explained() -> None:
    formats = [cells[0].strip("`") for cells in rows(_sections()["Connect"].partition("Drivers that")[0])]
    assert sorted(formats) == sorted(FORMATS)


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("driver", DRIVERS)
def test_every_driver_is_in_every_section(section: str, driver: str) -> None:
    assert re.search(rf"(?<![\w-]){re.escape(driver)}(?![\w-])", _sections()[section])
