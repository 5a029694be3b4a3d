"""Who may do what: roles, their verifiers, the databases' privileges, and what a client over TCP is let in with."""

import pytest

from deploy.database.declared import ROLES, attributes, members, privileges, with_reserved_connections
from deploy.model.event_stores import APPLICATION_ROLE, DATABASE, OWNER_ROLE, WORKER_ROLE, EventStore
from deploy.model.logins import Logins
from deploy.model.settings import Settings

from .application import Application
from .server import Server

_NAMES = ", ".join(f"'{role}'" for role in ROLES)
_COLUMNS = {
    "SUPERUSER": "rolsuper", "CREATEDB": "rolcreatedb", "CREATEROLE": "rolcreaterole", "INHERIT": "rolinherit",
    "LOGIN": "rolcanlogin", "REPLICATION": "rolreplication", "BYPASSRLS": "rolbypassrls",
}  # fmt: skip


@pytest.fixture
def logins(store: EventStore, settings: Settings) -> Logins:
    """Whom the application logs in as, as the operator's side has it."""
    return settings.passwords_of(store).logins(store.name)


@pytest.fixture
def declared(store: EventStore, logins: Logins) -> dict[str, dict[str, bool]]:
    """Role → attributes of the roles that the store has."""
    return attributes(logins, pooled=store.pool is not None)


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest, declared: dict[str, dict[str, bool]]) -> str:
    """A role that the store has: login roles from the first rotation on, the pooler's with a pooler."""
    if request.param not in declared:
        pytest.skip(
            "not verifiable here: the store has no such role, because no password was rotated or there is no pooler"
        )
    return str(request.param)


def test_role_has_exactly_its_attributes(server: Server, declared: dict[str, dict[str, bool]], role: str) -> None:
    columns = ", ".join(f'{column} AS "{attribute}"' for attribute, column in _COLUMNS.items())
    (found,) = server.rows(f"SELECT {columns} FROM pg_roles WHERE rolname = '{role}'") or [{}]
    assert found == {attribute: declared[role].get(attribute, False) for attribute in _COLUMNS}


def test_role_has_its_limit_and_no_end(server: Server, store: EventStore, logins: Logins, role: str) -> None:
    limit = store.application_connections if role in logins.roles else -1
    query = f"SELECT rolconnlimit, coalesce(rolvaliduntil, 'infinity') AS until FROM pg_roles WHERE rolname = '{role}'"
    assert server.rows(query) == [{"rolconnlimit": limit, "until": "infinity"}]


def test_there_is_one_superuser(server: Server) -> None:
    """Somebody else's role for replication is none; that the store's own are none either is looked at above."""
    query = "SELECT rolname FROM pg_roles WHERE rolsuper OR rolcreaterole OR rolbypassrls"
    assert server.rows(query) == [{"rolname": "postgres"}]


def test_passwords_are_scram_verifiers(server: Server, logins: Logins) -> None:
    """By their beginning: a verifier is selected nowhere."""
    query = """
        SELECT rolname, split_part(rolpassword, '$', 1) AS kind FROM pg_authid
        WHERE rolpassword IS NOT NULL ORDER BY rolname"""
    kinds = {row["rolname"]: row["kind"] for row in server.rows(query)}
    assert set(kinds.values()) == {"SCRAM-SHA-256"}
    assert kinds.keys() >= {logins.current}
    assert not kinds.keys() & ({*ROLES, "postgres"} - {*logins.let_in})


def test_no_roles_are_members_but_those_that_are_declared(server: Server, store: EventStore, logins: Logins) -> None:
    query = f"""
        SELECT roleid::regrole::text AS role, member::regrole::text AS member FROM pg_auth_members
        WHERE roleid::regrole::text IN ({_NAMES}) OR member::regrole::text IN ({_NAMES})"""
    reserved = with_reserved_connections(pooled=store.pool is not None, version=store.version)
    assert sorted((row["role"], row["member"]) for row in server.rows(query)) == sorted([*members(logins), *reserved])


def test_no_role_and_no_database_has_settings_but_those_that_log_in_for_the_application(
    server: Server, logins: Logins
) -> None:
    query = f"""
        SELECT setrole::regrole::text AS role, setconfig FROM pg_db_role_setting LEFT JOIN pg_database d ON d.oid = setdatabase
        WHERE setrole IN (SELECT oid FROM pg_roles WHERE rolname IN ({_NAMES}, 'postgres')) OR datname = '{DATABASE}'"""
    assert sorted(server.rows(query), key=lambda row: row["role"]) == [
        {"role": member, "setconfig": [f"role={role}"]} for role, member in sorted(members(logins))
    ]


def test_database_is_the_applications(server: Server) -> None:
    query = f"""
        SELECT datdba::regrole::text AS owner, pg_encoding_to_char(encoding) AS encoding, datcollate, datctype,
               datconnlimit, datallowconn, datistemplate
        FROM pg_database WHERE datname = '{DATABASE}'"""
    assert server.rows(query) == [
        {
            "owner": APPLICATION_ROLE,
            "encoding": "UTF8",
            "datcollate": "en_US.UTF-8",
            "datctype": "en_US.UTF-8",
            "datconnlimit": -1,
            "datallowconn": True,
            "datistemplate": False,
        }
    ]


def test_privileges_on_databases_are_exactly_the_declared_ones(
    server: Server, store: EventStore, logins: Logins
) -> None:
    query = """
        SELECT datname, CASE grantee WHEN 0 THEN 'public' ELSE grantee::regrole::text END AS grantee, privilege_type
        FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba)))
        WHERE grantee <> datdba AND datname <> 'template0'"""
    granted = {(row["datname"], row["grantee"], row["privilege_type"]) for row in server.rows(query)}
    assert granted == {
        (database, *privilege.split("="))
        for database, there in privileges(logins, pooled=store.pool is not None).items()
        for privilege in there
    }


def test_application_is_let_in_over_tls(application: Application, logins: Logins) -> None:
    with application.rolled_back() as connection:
        encrypted = connection.pgconn.ssl_in_use
        row = connection.execute("SELECT current_user, session_user, current_database()").fetchone()
    assert row == (APPLICATION_ROLE, logins.current, DATABASE)
    # What the server says itself is the login role's to see, which the application does not run as.
    assert encrypted


@pytest.mark.parametrize("database", ["postgres", "template1"])
def test_application_is_refused_in_other_databases(application: Application, database: str) -> None:
    application.connect().close()
    assert "no pg_hba.conf entry" in application.refusal(dbname=database)


def test_application_is_refused_without_tls(application: Application) -> None:
    application.connect().close()
    refusal = application.refusal(sslmode="disable")
    assert "no pg_hba.conf entry" in refusal
    assert "no encryption" in refusal


def test_wrong_password_is_refused(application: Application, store: EventStore) -> None:
    if store.authentication == "certificate":
        pytest.skip("not verifiable here: the application has no password, by its authentication")
    application.connect().close()
    assert "password authentication failed" in application.refusal(password="not the password")


@pytest.mark.parametrize("database", ["postgres", DATABASE])
def test_superuser_is_refused_over_tcp(application: Application, database: str) -> None:
    application.connect().close()
    assert "no pg_hba.conf entry" in application.refusal(user="postgres", dbname=database)


@pytest.mark.parametrize("role", [OWNER_ROLE, WORKER_ROLE])
def test_other_roles_are_refused_over_tcp(application: Application, role: str) -> None:
    application.connect().close()
    assert "no pg_hba.conf entry" in application.refusal(user=role)
