"""What the feed's bounds have changed, put back: as it was before the readers of the feed waited for appends only.

In a database of the benchmarks' own, so that both can be measured in one run, in turn.
"""

from typing import ClassVar, Final

from .stores.event_store import EventStore

#: An append's number without the lock by which readers know of it.
_UNPUBLISHED: Final = """
    CREATE OR REPLACE FUNCTION event_store.feed_number(feed_offset bigint, last_number xid8 DEFAULT NULL) RETURNS xid8
    LANGUAGE sql VOLATILE
    AS $$
        SELECT greatest(CASE WHEN feed_offset = 0 THEN pg_current_xact_id()
                             ELSE (pg_current_xact_id()::text::bigint + feed_offset)::text::xid8 END, last_number)
    $$
"""
#: A page of the feed: the functions that it took, word for word, but for three things. The schema; scan_feed(), which is
#: planned and, without types, never called; and check_cluster(), which here knows every cluster and explains no error.
_PAGE: Final = """
    CREATE SCHEMA before;
    GRANT USAGE ON SCHEMA before TO PUBLIC;

    CREATE FUNCTION before.check_cluster() RETURNS bigint
    LANGUAGE plpgsql STABLE
    AS $$
    DECLARE
        settings event_store.settings;
    BEGIN
        SELECT s.* INTO settings FROM event_store.settings s;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the event store has lost its settings';
        END IF;
        IF settings.cluster_identifier::text = pg_catalog.current_setting('event_store.cluster_checked', true) THEN
            RETURN settings.feed_offset;
        END IF;
        PERFORM pg_catalog.set_config('event_store.cluster_checked', settings.cluster_identifier::text, false);
        RETURN settings.feed_offset;
    END
    $$;

    CREATE FUNCTION before.feed_horizon() RETURNS xid8
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    BEGIN
        RETURN (pg_snapshot_xmin(pg_current_snapshot())::text::bigint + before.check_cluster())::text::xid8;
    END
    $$;

    CREATE FUNCTION before.scan_feed(
        after_transaction_id xid8, after_position bigint, max_count integer, event_types text[], aggregate_types text[]
    )
    RETURNS SETOF event_store.events
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1000
    SET search_path = pg_catalog, pg_temp
    SET enable_sort = off
    AS $$
    BEGIN
        RAISE EXCEPTION 'pages of some types are not measured';
    END
    $$;

    CREATE FUNCTION before.read_feed(
        after_transaction_id xid8 DEFAULT '0',
        after_position       bigint DEFAULT 0,
        max_count            integer DEFAULT 1000,
        event_types          text[] DEFAULT NULL,
        aggregate_types      text[] DEFAULT NULL
    )
    RETURNS SETOF event_store.events
    LANGUAGE sql STABLE ROWS 1000
    AS $$
        (SELECT e.*
           FROM event_store.events e
          WHERE read_feed.event_types IS NULL AND read_feed.aggregate_types IS NULL
            AND (e.transaction_id, e.global_position) > (read_feed.after_transaction_id, read_feed.after_position)
            AND e.transaction_id < (SELECT before.feed_horizon())
          ORDER BY e.transaction_id, e.global_position
          LIMIT read_feed.max_count)
        UNION ALL
        SELECT s.*
          FROM before.scan_feed(read_feed.after_transaction_id, read_feed.after_position, read_feed.max_count,
                                read_feed.event_types, read_feed.aggregate_types) s
         WHERE read_feed.event_types IS NOT NULL OR read_feed.aggregate_types IS NOT NULL
    $$;

    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA before TO PUBLIC;
"""


class Unpublished(EventStore):
    """This store, whose appends publish no bound. Its readers could skip events, so it has none."""

    name: ClassVar = "this store, its appends without the bound"

    def create(self) -> None:
        """The store as it is, and one function of it replaced."""
        super().create()
        with self.server.connect(self.database) as connection:
            connection.execute(_UNPUBLISHED)


class OldPages(EventStore):
    """The same events, by the pages of before."""

    name: ClassVar = "this store, read_feed() of before"
    feed: ClassVar = "SELECT * FROM before.read_feed($1::xid8, $2::bigint, $3::integer)"

    @classmethod
    def of(cls, store: EventStore) -> "OldPages":
        """In the database of a store, which keeps it."""
        old = cls(store.server)
        old.database = store.database
        with old.server.connect(old.database) as connection:
            connection.execute(_PAGE)
        return old
