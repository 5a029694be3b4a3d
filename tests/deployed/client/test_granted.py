"""Whatever the application may call in the store, it can call by a method of that name, in both halves of the client."""

import inspect
from typing import Any

import psycopg
import pytest

from deploy.model.event_stores import APPLICATION_ROLE
from event_store.async_client import AsyncEventStore
from event_store.async_session import AsyncSession
from event_store.client import EventStore
from event_store.session import Session

from ..sql.stores import Store

_GRANTED = """
    SELECT p.proname
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
       AND has_schema_privilege(%(role)s, n.oid, 'USAGE') AND has_function_privilege(%(role)s, p.oid, 'EXECUTE')
       AND p.oid NOT IN (SELECT d.objid FROM pg_depend d WHERE d.deptype = 'e' AND d.classid = 'pg_proc'::regclass)"""
#: What a connection of a pool would forget, or tell the next one that takes it.
_OF_SESSIONS = {"set_user", "current_user_id"}


def granted(admin: "psycopg.Connection[Any]") -> set[str]:
    return {name for (name,) in admin.execute(_GRANTED, {"role": APPLICATION_ROLE}).fetchall()}


def without_method(admin: "psycopg.Connection[Any]", cls: type[Any]) -> set[str]:
    return {name for name in granted(admin) if not inspect.isfunction(getattr(cls, name, None))}


@pytest.fixture
def admin(empty_store: Store) -> "psycopg.Connection[Any]":
    return empty_store.connect("postgres")


@pytest.mark.parametrize("cls", [Session, AsyncSession])
def test_each_function_has_a_method_of_a_session(admin: "psycopg.Connection[Any]", cls: type[Any]) -> None:
    assert len(granted(admin)) > 50
    assert without_method(admin, cls) == set()


@pytest.mark.parametrize("cls", [EventStore, AsyncEventStore])
def test_each_function_but_those_of_sessions_has_a_method_of_a_store(
    admin: "psycopg.Connection[Any]", cls: type[Any]
) -> None:
    assert without_method(admin, cls) == _OF_SESSIONS


def test_a_function_without_a_method_is_found(admin: "psycopg.Connection[Any]") -> None:
    admin.execute("CREATE FUNCTION event_store.brand_new() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
    admin.execute("REVOKE EXECUTE ON FUNCTION event_store.brand_new FROM PUBLIC")
    assert without_method(admin, Session) == set()
    admin.execute(f"GRANT EXECUTE ON FUNCTION event_store.brand_new TO {APPLICATION_ROLE}")
    assert without_method(admin, Session) == {"brand_new"}
