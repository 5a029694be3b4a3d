import pytest

from deploy.machine.psql import DATABASE_ABSENT, REFUSED
from deploy.postgres.facts import ServerFact

LOCAL = 'FATAL:  pg_hba.conf rejects connection for host "[local]", user "postgres", database "postgres", no encryption'


@pytest.mark.parametrize(
    ("output", "helps"),
    [
        (f"{REFUSED}{LOCAL}", True),  # the declared rules are loaded first
        (f'{REFUSED}FATAL:  could not open shared memory segment "/PostgreSQL.1": No such file or directory', True),
        (f"{REFUSED}FATAL:  sorry, too many clients already", False),
        (f'{REFUSED}FATAL:  database "postgres" is not currently accepting connections', False),
        (DATABASE_ABSENT, False),
    ],
)
def test_a_server_is_restarted_only_if_that_may_help(output: str, helps: bool) -> None:
    server = ServerFact().process([output])
    assert server.up
    assert server.refusal
    assert server.restart_helps is helps
