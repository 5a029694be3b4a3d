"""What a session has beside the operations: its user, and its connection."""

import asyncio
from collections.abc import Callable
from uuid import uuid4

import psycopg
import pytest

from event_store import AsyncEventStore, Cursor, EventStore, Session
from event_store.rows import fields_row
from event_store.statements import Statement

USER = uuid4()


def test_the_user_of_a_transaction_is_nobody_after_it(client: EventStore) -> None:
    with client.transaction() as session:
        assert session.current_user_id() is None
        session.set_user(USER)
        assert session.current_user_id() == USER
        session.set_user(None)
        assert session.current_user_id() is None
        session.set_user(USER)
    with client.session() as session:
        assert session.current_user_id() is None
        session.set_user(USER)  # its own transaction, which is over
        assert session.current_user_id() is None


#: Each way to say who is asking for as long as the session lasts; the last two are the caller's own SQL.
WAYS: dict[str, Callable[[Session], object]] = {
    "method": lambda session: session.set_user(USER, for_session=True),
    "function": lambda session: session.connection.execute(
        "SELECT event_store.set_user(%s, for_session => true)", [USER]
    ),
    "setting": lambda session: session.connection.execute(f"SET event_store.user_id = '{USER}'"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_user_who_stays_is_not_handed_on(conninfo: str, way: str) -> None:
    with EventStore(conninfo, max_size=1) as client:
        with client.session() as session:
            WAYS[way](session)
            assert session.current_user_id() == USER
        with client.transaction() as session:
            assert session.current_user_id() is None
            WAYS[way](session)
        client.repeat(lambda session, _: WAYS[way](session))
        with client.session() as session:
            assert session.current_user_id() is None


@pytest.mark.parametrize("autocommit", [True, False])
@pytest.mark.parametrize("way", WAYS)
def test_a_user_who_stays_is_not_handed_on_after_an_error(conninfo: str, way: str, autocommit: bool) -> None:
    def fail(client: EventStore) -> None:
        with client.session() as session:
            WAYS[way](session)
            if not autocommit:
                session.connection.commit()
            session.connection.execute("SELECT 1 / 0")

    with EventStore(conninfo, max_size=1, autocommit=autocommit) as client:
        with pytest.raises(psycopg.errors.DivisionByZero):
            fail(client)
        with client.session() as session:
            assert session.current_user_id() is None


def test_the_user_of_a_task(conninfo: str) -> None:
    async def scenario() -> None:
        async with AsyncEventStore(conninfo, max_size=1) as client:
            async with client.transaction() as session:
                await session.set_user(USER)
                assert await session.current_user_id() == USER
            async with client.session() as session:
                assert await session.current_user_id() is None
                await session.set_user(USER, for_session=True)
                assert await session.current_user_id() == USER
            async with client.session() as session:
                assert await session.current_user_id() is None

    asyncio.run(scenario())


def test_a_connection_of_the_applications_own_stays_as_it_is(conninfo: str) -> None:
    query = "SELECT transaction_id FROM event_store.feed_end()"
    with psycopg.connect(conninfo, autocommit=True) as connection:
        before = connection.execute(query).fetchone()
        assert isinstance(Session(connection).feed_end().transaction_id, int)
        assert connection.execute(query).fetchone() == before


def test_columns_in_another_order_are_refused_and_not_mixed_up(client: EventStore) -> None:
    right = b"SELECT 1 AS transaction_id, 2 AS global_position"
    assert client.run(Statement(right, {}, fields_row(Cursor), list)) == [Cursor(1, 2)]
    wrong = b"SELECT 2 AS global_position, 1 AS transaction_id"
    with pytest.raises(TypeError, match="the result the columns"):
        client.run(Statement(wrong, {}, fields_row(Cursor), list))
