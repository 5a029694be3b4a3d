import re
from pathlib import Path

from event_store import errors

FUNCTIONS = Path(__file__).parents[3] / "sql" / "repeatable" / "functions"


def test_each_sqlstate_of_the_store_has_a_class_of_its_own() -> None:
    raised = {
        code for file in FUNCTIONS.glob("**/*.sql") for code in re.findall(r"ERRCODE = '(SE\d{3})'", file.read_text())
    }
    assert raised <= set(errors.BY_SQLSTATE)
    assert len(errors.BY_SQLSTATE) == len(errors.EventStoreError.__subclasses__())
