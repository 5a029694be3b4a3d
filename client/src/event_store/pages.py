"""Where a page of events ends: by number, as the caller says, and by size, because the client has to hold all of it.

Two limits. What is stored may be compressed. Its size is known without looking inside, and ends the page first, so that the server
never decompresses a thousand large events to return a few. What is left is measured as it will be sent. A page has one event at
least, so it can be larger by one event.
"""

from typing import Final

#: Bytes of payloads and metadata in a page, as text, and as they are stored.
PAGE_BYTES: Final = 16 * 1024 * 1024
STORED_BYTES: Final = 4 * 1024 * 1024
#: Events in a page, where the caller cannot say how many.
PAGE_COUNT: Final = 1000


def _size(column: str) -> str:
    # Without compression the stored size is about the text's, and costs nothing.
    return (
        f"CASE WHEN pg_column_compression({column}) IS NULL THEN pg_column_size({column}) "
        f"ELSE octet_length({column}::text) END"
    )


_BEFORE: Final = "OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"


def page_of(rows: str) -> str:
    """The first of these rows, events or marks in their order, up to the size of a page."""
    return f"""(
        SELECT * FROM (
            SELECT *, coalesce(sum({_size("event_data")} + {_size("metadata")}) {_BEFORE}, 0) AS page_bytes
              FROM (SELECT *, coalesce(sum(pg_column_size(event_data) + pg_column_size(metadata)) {_BEFORE}, 0) AS stored_bytes
                      FROM {rows}) AS r
             WHERE stored_bytes < {STORED_BYTES}) AS s
         WHERE page_bytes < {PAGE_BYTES}) AS p"""
