"""Faults put into the store's functions on purpose, in a database of the test's own: the stress must find each of them.

They are changes of the functions' text, so they are always made in what is tested. Steps that take microseconds are made
longer first, with naps between them, in the sound functions as well: otherwise hours would pass before two of them meet.
"""

from typing import Any

import psycopg

_NAP = """
    CREATE FUNCTION public.nap() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        IF random() < 0.3 THEN
            PERFORM pg_sleep(random() * 0.02);
        END IF;
        RETURN true;
    END
    $$;
    GRANT EXECUTE ON FUNCTION public.nap() TO PUBLIC;
"""
#: Function → what is replaced in it, and by what.
Changes = dict[str, list[tuple[str, str]]]
NAPS: Changes = {
    "feed_number": [
        ("AND pg_try_advisory", "AND public.nap() AND pg_try_advisory"),
        ("::text::bigint))\n", "::text::bigint)) AND public.nap()\n"),
    ],
    "later_feed_number": [
        ("    SELECT pg_xact_status(", "    PERFORM public.nap();\n    SELECT pg_xact_status("),
        (
            "        number := (event_store.new_sub",
            "        PERFORM public.nap();\n        number := (event_store.new_sub",
        ),
        ("    RETURN number;", "    PERFORM public.nap();\n    RETURN number;"),
    ],
    "next_horizon": [
        ("    upper := least(", "    PERFORM public.nap();\n    upper := least("),
        ("    RETURN CASE", "    PERFORM public.nap();\n    RETURN CASE"),
    ],
}
FAULTS: dict[str, Changes] = {
    "a transaction that has an id uses it as its number": {
        "later_feed_number": [("(event_store.new_subtransaction(own) + feed_offset)", "(own + feed_offset)")],
    },
    "a number is used again without the proof that its bound is published": {
        "later_feed_number": [("IF is_own IS NOT TRUE THEN", "IF false THEN")],
    },
    "the bound is published after the id is handed out": {
        "feed_number": [
            (
                "WHEN pg_current_xact_id_if_assigned() IS NULL",
                "WHEN pg_current_xact_id_if_assigned() IS NULL AND pg_current_xact_id() IS NOT NULL",
            ),
            ("pg_snapshot_xmax(pg_current_snapshot())", "pg_current_xact_id()"),
        ],
    },
    "xmax is taken after the look": {
        "next_horizon": [
            (
                "    upper := least(upper, (SELECT min(b.bound) FROM event_store.published_bounds(upper) b))",
                "    upper := coalesce((SELECT min(b.bound) FROM event_store.published_bounds(upper) b), 2::bigint ^ 62);\n"
                "    PERFORM pg_sleep(random() * 0.05);\n"
                "    upper := least(upper, pg_snapshot_xmax(pg_current_snapshot())::text::bigint)",
            ),
        ],
    },
    "the number is not raised to that of the aggregate's last event": {
        "later_feed_number": [("greatest(number, last_number, ", "greatest(number, ")],
    },
}


#: A fault that is in no function's text: the page has the snapshot of the statement, which is older than the look.
OLDER_PAGE = """
    ALTER FUNCTION event_store.scan_feed STABLE;
    ALTER FUNCTION event_store.get_events_by_category STABLE;
"""


def change(admin: "psycopg.Connection[Any]", changes: Changes) -> None:
    """Replace functions of the store by changed ones. A text that is not there any more is an error."""
    for name, replacements in changes.items():
        row = admin.execute("SELECT pg_get_functiondef(%s::regproc)", [f"event_store.{name}"]).fetchone()
        assert row
        text = row[0]
        for old, new in replacements:
            assert old in text, (name, old)
            text = text.replace(old, new)
        admin.execute(text)


def slow_down(admin: "psycopg.Connection[Any]") -> None:
    """Put naps between the steps of the sound functions."""
    admin.execute(_NAP)
    change(admin, NAPS)
