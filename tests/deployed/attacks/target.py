"""A deployed server to attack: a session of each role, and what is different after an attack."""

import time
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import psycopg
from psycopg.types.json import Jsonb

from deploy.database.declared import PRIVILEGES, ROLES
from deploy.database.facts import Catalogue, CatalogueFact
from deploy.model.event_stores import APPLICATION_ROLE, DATABASE, OWNER_ROLE, WORKER_ROLE
from deploy.schema import catalogue

from ..deployment import Deployment, inside
from ..sql.stores import Server
from .rows import DRIFT, HARMLESS, SEALS

Connection = psycopg.Connection[Any]

#: The columns of the matrix → the roles of the server.
NAMES: Final = {
    "application": APPLICATION_ROLE,
    "worker": WORKER_ROLE,
    "nobody": "attack_nobody",
    "creator": "attack_creator",
    "owner": OWNER_ROLE,
    "superuser": "postgres",
}
#: The comparison that each deploy makes, as one query.
_SCHEMA_DRIFT: Final = catalogue.load().drift
_DIGEST: Final = """
    SELECT count(*), md5(string_agg(e::text, ' ' ORDER BY e.transaction_id, e.global_position)) FROM event_store.events e
"""


@dataclass
class Target:
    """A container's server. Its events are sealed, so that whatever happens to one of them can be found."""

    container: str
    deployment: Deployment
    server: Server
    superuser: Connection
    _sessions: dict[str, Connection] = field(default_factory=dict)
    _roles: Catalogue = field(default_factory=Catalogue)

    @classmethod
    def prepare(cls, container: str, deployment: Deployment) -> "Target":
        """Have the roles and some sealed events."""
        # In a history that has begun with a fork, what is inserted without the functions lies among what is sealed.
        inside(container, "systemctl restart 'postgresql@*'")
        server = Server.in_container(container)
        target = cls(container, deployment, server, server.connect(DATABASE))
        target.forget_roles()
        target.superuser.execute("CREATE ROLE attack_nobody LOGIN PASSWORD 'nobody'")
        target.superuser.execute("CREATE ROLE attack_creator LOGIN CREATEROLE PASSWORD 'creator'")
        target.append(20)
        target.seal()
        target._roles = target.roles(target.superuser)
        return target

    def close(self) -> None:
        """Leave the server as it was; events stay."""
        for connection in self._sessions.values():
            connection.close()
        self.forget_roles()
        self.superuser.close()

    def forget_roles(self) -> None:
        self.superuser.execute("DROP ROLE IF EXISTS attack_nobody, attack_creator")

    @property
    def version(self) -> int:
        return self.superuser.info.server_version // 10_000

    def session(self, role: str) -> Connection:
        """A session of ``role`` that is kept. The application and the worker log in, nobody else is let in."""
        if role not in self._sessions or self._sessions[role].closed:
            self._sessions[role] = self.fresh_session(role)
        return self._sessions[role]

    def fresh_session(self, role: str) -> Connection:
        """A session of its own."""
        if role == "application":
            return self.deployment.connect(self.container)
        if role == "worker":
            return self._worker().connect(DATABASE)
        return self.taken_on(role)

    def taken_on(self, role: str) -> Connection:
        """A session of the superuser that has become ``role`` and can come back."""
        connection = self.server.connect(DATABASE)
        connection.execute(f"SET SESSION AUTHORIZATION {NAMES[role]}")
        return connection

    def _worker(self) -> Server:
        """The server as the worker's account in the container reaches it."""
        return Server({"user": WORKER_ROLE}, self.container)

    def append(self, count: int) -> None:
        """Some events of the application."""
        for _ in range(count):
            self.session("application").execute(
                "SELECT event_store.append_events('Target', %s, 0, %s, causation_id => %s, correlation_id => %s)",
                [uuid4(), Jsonb([{"event_type": "Stored", "event_data": {"place": 1}}] * 2), uuid4(), uuid4()],
            )

    def seal(self) -> None:
        """Seal all events, as soon as nobody holds the feed back."""
        newest = "SELECT max(transaction_id) < event_store.feed_horizon() FROM event_store.events"
        deadline = time.monotonic() + 60
        while self.superuser.execute(newest).fetchone() != (True,):
            assert time.monotonic() < deadline, "somebody holds the feed back"
            time.sleep(0.01)
        while self.superuser.execute("SELECT event_store.seal_events('0')").fetchone() != (0,):
            pass

    def digest(self) -> Any:
        """A hash over every column of every event."""
        return self.superuser.execute(_DIGEST).fetchone()

    def roles(self, connection: Connection) -> Catalogue:
        """Roles, memberships and databases, by the query of the deploy."""
        fact = CatalogueFact()
        query = fact.sql(roles=list(ROLES), databases=list(PRIVILEGES)).strip()
        ((row,),) = connection.execute(f"SELECT ({query})::text").fetchall()
        return fact.process([row])

    def outcome(self, connection: Connection) -> str:
        """What is different in the transaction of a session that can come back to the superuser."""
        connection.execute("RESET SESSION AUTHORIZATION; RESET ROLE; SET LOCAL search_path = pg_catalog, pg_temp")
        if self.roles(connection) != self._roles or connection.execute(_SCHEMA_DRIFT).fetchall():
            return DRIFT
        if connection.execute("SELECT FROM event_store.verify_seals()").rowcount:
            return SEALS
        return HARMLESS
