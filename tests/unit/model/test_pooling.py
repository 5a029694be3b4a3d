"""How many connections a pooler shares out, and where there is none."""

import pytest
from declared import container
from pydantic import ValidationError

from deploy.model.pooling import Pool


@pytest.mark.parametrize(
    ("cpus", "connections", "size"), [(1, 91, 10), (2, 91, 10), (3, 91, 15), (4, 91, 20), (64, 991, 20), (4, 13, 11)]
)
def test_the_pool_follows_the_cpus_within_what_the_application_may_have(cpus: int, connections: int, size: int) -> None:
    assert Pool.of(cpus, connections) == Pool(size, size + 3)


@pytest.mark.parametrize(("connections", "pool"), [(7, Pool(5, 8)), (3, Pool(1, 4)), (2, Pool(1, 3)), (1, Pool(1, 2))])
def test_all_roles_together_take_no_more_than_the_application_may_have(connections: int, pool: Pool) -> None:
    """One more looks clients up."""
    assert Pool.of(4, connections) == pool


def test_there_is_none_unless_it_is_declared() -> None:
    assert container().pool is None
    assert "pgbouncer" not in container().required_packages
    assert "pgbouncer" in container(pooling="on").required_packages


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"release": "bookworm", "pooling": "on"}, 'write "without-prepared-statements" if none of them does'),
        ({"pooling": "without-prepared-statements"}, 'knows prepared statements; write "on"'),
        (
            {"pooling": "on", "tls": "authority", "authentication": "certificate"},
            "authentication = 'certificate' would not be what it says",
        ),
        (
            {"pooling": "on", "tls": "authority", "authentication": "password+certificate"},
            'give "authentication": "password", or leave pooling out',
        ),
    ],
)
def test_what_could_not_be_kept_is_refused(data: dict[str, str], says: str) -> None:
    with pytest.raises(ValidationError, match=says.replace("+", r"\+")):
        container(**data)
