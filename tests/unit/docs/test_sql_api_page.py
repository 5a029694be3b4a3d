"""The page of the SQL API has what the application may call, and each error of the store."""

import re

from doc_pages import Page

from deploy.model.project import ROOT

SQL_API = Page(ROOT / "docs" / "sql-api.md").text


def test_every_function_that_the_application_may_call_is_explained() -> None:
    files = (ROOT / "sql" / "repeatable" / "grants").glob("stock_analysis_user*.sql")
    grants = "".join(file.read_text() for file in files)
    granted = {
        name
        for list_of_names in re.findall(r"GRANT EXECUTE ON FUNCTION(.*?)TO stock_analysis_user", grants, re.DOTALL)
        for name in re.findall(r"(?:event_store|public)\.\w+", list_of_names)
    }
    assert len(granted) > 40
    assert {name for name in granted if f"`{name}(" not in SQL_API} == set()


def test_every_error_is_explained_and_no_other() -> None:
    files = (ROOT / "sql" / "repeatable" / "functions").rglob("*.sql")
    raised = {code for file in files for code in re.findall(r"(?:ERRCODE =|code :=) '(\w{5})'", file.read_text())}
    assert set(re.findall(r"\bSE\d{3}\b", SQL_API)) == raised
