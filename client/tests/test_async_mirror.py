"""The asynchronous client is the synchronous one with ``await``: same methods, same arguments, same words."""

import inspect
from typing import Any

import pytest

from event_store import async_client, async_subscriptions, client, subscriptions

PAIRS = [
    (client.Session, async_client.AsyncSession),
    (client.EventStore, async_client.AsyncEventStore),
    (subscriptions.Delivery, async_subscriptions.AsyncDelivery),
    (subscriptions.Subscription, async_subscriptions.AsyncSubscription),
]


def methods(cls: type[Any]) -> dict[str, Any]:
    return {name: value for name, value in inspect.getmembers(cls, inspect.isfunction) if not name.startswith("_")}


@pytest.mark.parametrize(("synchronous", "asynchronous"), PAIRS, ids=lambda cls: cls.__name__)
def test_each_method_is_there_with_the_same_arguments_and_documentation(
    synchronous: type[Any], asynchronous: type[Any]
) -> None:
    here, there = methods(synchronous), methods(asynchronous)
    assert sorted(here) == sorted(there)
    for name, method in here.items():
        ours, theirs = inspect.signature(method).parameters, inspect.signature(there[name]).parameters
        assert [(p.name, p.kind, p.default) for p in ours.values()] == [
            (p.name, p.kind, p.default) for p in theirs.values()
        ], name
        assert inspect.getdoc(method) == inspect.getdoc(there[name]), name


@pytest.mark.parametrize(("synchronous", "asynchronous"), PAIRS, ids=lambda cls: cls.__name__)
def test_each_public_method_says_what_it_does(synchronous: type[Any], asynchronous: type[Any]) -> None:
    for cls in (synchronous, asynchronous):
        assert [name for name, method in methods(cls).items() if not inspect.getdoc(method)] == []
