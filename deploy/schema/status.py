"""How far what follows the events is: projections and subscriptions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pyinfra.api import FactBase

from deploy.machine.psql import fact_query, silence
from deploy.machine.questions import Ask
from deploy.machine.status import Row, State
from deploy.model.event_stores import DATABASE, EventStore

#: Seconds that a projection may be behind. The worker keeps it within one.
_PROJECTION_LAG: Final = 60
#: Seconds that a subscription may be behind. Its consumers are the application's.
_SUBSCRIPTION_LAG: Final = 300

#: One row with one JSON object, whose keys are the fields of `Followers`.
FOLLOWERS: Final = """
    SELECT json_build_object(
        'projections', (SELECT coalesce(json_agg(p), '[]') FROM event_store.projection_lag() AS p),
        'left_out', (SELECT coalesce(json_object_agg(u.projection_name, u.events), '{}')
            FROM (SELECT projection_name, count(*) AS events FROM event_store.unapplied_events GROUP BY 1) AS u),
        'subscriptions', (SELECT coalesce(json_agg(json_build_object(
                'name', s.subscription_name, 'partitions', s.partitions, 'events_behind', l.events_behind,
                'seconds_behind', l.seconds_behind, 'exact', l.exact, 'claimed', c.claimed)
                ORDER BY s.subscription_name), '[]')
            FROM event_store.subscriptions s
            CROSS JOIN LATERAL event_store.subscription_lag(s.subscription_name) AS l
            CROSS JOIN LATERAL (SELECT count(*) AS claimed FROM event_store.subscription_partitions p
                WHERE p.subscription_name = s.subscription_name AND NOT event_store.is_lease_over(p.leased_until, p.lease)) AS c
            WHERE l.partition IS NULL))"""


@dataclass(frozen=True)
class Followers:
    """Rows of ``event_store.projection_lag()``, and of each subscription the sum of ``subscription_lag()``.

    ``left_out``: how many events are noted as unapplied, by projection.
    """

    projections: Sequence[Mapping[str, Any]]
    left_out: Mapping[str, int]
    subscriptions: Sequence[Mapping[str, Any]]


class FollowersFact(FactBase[Followers | None]):
    """See `Followers`; None if there is no server, or no database, to ask."""

    def command(self, database: str) -> str:
        """One query for all of it."""
        return fact_query(FOLLOWERS, database=database)

    def process(self, output: list[str]) -> Followers | None:
        """One JSON object, or a word that says why not."""
        if silence(output):
            return None
        return Followers(**json.loads("".join(output)))


def questions(container: EventStore) -> list[Ask]:  # noqa: ARG001  the same of each
    """All followers, in one go."""
    return [Ask(FollowersFact, database=DATABASE)]


def rows(container: EventStore, answers: Sequence[Any]) -> list[Row]:
    """One row for each projection and each subscription; one for all of a kind if the server cannot be asked.

    In a copy nothing follows the events, so there is none.
    """
    if container.copy_of:
        return []
    followers: Followers | None = answers[0]
    if followers is None:
        detail = "the server, or the database, is not there to be asked"
        return [Row(kind, "*", State.UNKNOWN, detail) for kind in ("projection", "subscription")]
    return [
        *(_projection_row(row, followers.left_out) for row in followers.projections),
        *(Row("subscription", row["name"], *_subscription(row)) for row in followers.subscriptions),
    ]


def _projection_row(row: Mapping[str, Any], left_out: Mapping[str, int]) -> Row:
    name = row["projection_name"]
    state, detail = _projection(row)
    if events := left_out.get(name):
        # For people to look at. Nothing waits for it, so it is no degradation.
        detail += f"; {_events(events)} left out: SELECT * FROM event_store.unapplied_events"
    return Row("projection", name, state, detail)


def _projection(row: Mapping[str, Any]) -> tuple[State, str]:
    behind = _behind(row)
    # Its rows are of an older definition, or lost. The worker rebuilds them by itself, unless events were retired.
    rebuild = f"to build it again: SELECT event_store.rebuild_projection('{row['projection_name']}')"
    resume = f"SELECT event_store.resume_projection('{row['projection_name']}')"
    if row["status"] == "failed":
        remedy = rebuild if row["is_outdated"] else f"after a fix: {resume}"
        return State.DEGRADED, f"stopped by an error, {behind}: {row['error_message']}; {remedy}"
    if row["status"] != "active":
        return State.DEGRADED, f"{row['status']}, {behind}; to go on: {resume}"
    if row["rebuild_status"] == "failed":
        return State.DEGRADED, f"{behind}; its rebuild stopped: {row['rebuild_error_message']}"
    if row["is_outdated"] or row["seconds_behind"] > _PROJECTION_LAG:
        why = "is the worker running, or does an append hold the feed back?"
        why = f"the rows are of an older definition; {rebuild}" if row["is_outdated"] else why
        return State.DEGRADED, f"{behind}; {why}"
    if row["rebuild_status"]:
        return State.WELL, f"{behind}; a rebuild is under way, {_events(row['rebuild_events_behind'])} to go"
    return State.WELL, behind


def _subscription(row: Mapping[str, Any]) -> tuple[State, str]:
    detail = f"{_behind(row)}; {row['claimed']} of {row['partitions']} partitions have a consumer"
    return State.DEGRADED if row["seconds_behind"] > _SUBSCRIPTION_LAG else State.WELL, detail


def _behind(row: Mapping[str, Any]) -> str:
    if not row["events_behind"]:
        return "up to date"
    about = "" if row.get("exact", True) else "about "
    return f"{about}{_events(row['events_behind'])}, {row['seconds_behind']:.0f} s behind"


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count} events"
