"""The story of test_drivers.py with asyncpg."""

import asyncio
import json
import os

import asyncpg

EVENTS = [
    {"event_type": "DriverTried", "event_data": {"value": value, "list": [1, None]}} for value in ("10.5", "é\u2028\n")
]
APPEND = "SELECT event_version FROM event_store.append_events('Driver', $1, $2, $3)"
PAGE = """
    SELECT transaction_id::text, global_position::text
      FROM event_store.read_feed($1::text::xid8, $2::text::bigint, 1) WHERE event_id IS NOT NULL
"""
FEED = "SELECT event_store.cursor_of(e) FROM event_store.read_feed_after($1, 1) e"
BACK = """
    SELECT event_store.cursor_of(e)
      FROM event_store.get_events_in_time_range_backward('-infinity', 'infinity', 1, before => $1) e
"""


async def _as_json(connection: asyncpg.Connection) -> None:
    """Without it jsonb is text."""
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


async def main() -> None:
    dsn, aggregate = os.environ["STORY_DSN"], os.environ["STORY_AGGREGATE"]
    told: dict[str, object] = {}
    other = await asyncpg.connect(dsn)
    async with asyncpg.create_pool(dsn, min_size=1, max_size=1, init=_as_json) as pool:
        told["tls"] = await pool.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        told["appended"] = await pool.fetchval(APPEND, aggregate, 0, EVENTS)
        rows = await pool.fetch("SELECT event_data FROM event_store.get_events('Driver', $1)", aggregate)
        told["read"] = [row["event_data"] for row in rows]
        try:
            await pool.fetchval(APPEND, aggregate, 0, EVENTS)
        except asyncpg.PostgresError as error:
            told["error"] = [error.sqlstate, error.detail, bool(error.hint)]
        told["without_version"] = await pool.fetchval(APPEND, aggregate, None, EVENTS)

        cursors = [["0", "0"]]
        for _ in range(2):
            cursors.append([*await pool.fetchrow(PAGE, *cursors[-1])])
        told["cursors"] = cursors[1:]

        for name, query, pages in (("feed", FEED, 2), ("back", BACK, 4)):
            texts: list[str | None] = [None]
            for _ in range(pages):
                texts.append(await pool.fetchval(query, texts[-1]))
            told[name] = texts[1:]

        async def hear(channel: str, payload: str) -> str:
            heard = asyncio.Queue[str]()
            await other.add_listener(channel, lambda *call: heard.put_nowait(call[-1]))
            await pool.execute("SELECT pg_notify($1, $2)", channel, payload)
            return await heard.get()

        told["heard"] = await hear("event_store", "12,34")
        told["heard_cursor"] = await hear("event_store_cursor", f"a12.34.{'0' * 32}.")

        await other.execute("SELECT pg_terminate_backend($1)", await pool.fetchval("SELECT pg_backend_pid()"))
        await asyncio.sleep(0.2)
        outcomes = []
        for _ in range(2):
            try:
                await pool.execute("SELECT 1")
                outcomes.append("fine")
            except asyncpg.PostgresError as error:
                outcomes.append(error.sqlstate or type(error).__name__)
        told["after_loss"] = outcomes
    await other.close()
    print(json.dumps(told))


asyncio.run(main())
