"""Valid settings for tests that need some."""

from typing import Any

from deploy.certificates.keys import PASSPHRASE
from deploy.model.event_stores import EventStore
from deploy.model.hosts import LxcHost

#: The environment of whoever may sign.
SECRET = {PASSPHRASE: "correct horse battery"}


def container(**data: Any) -> EventStore:
    """A container with what it needs, and ``data``."""
    given_ones = {"name": "@lxc/one", "lxc_name": "one", "lxc_host": "@local", "address": "10.0.3.10"}
    return EventStore.model_validate(given_ones | data)


def lxc_host(**data: Any) -> LxcHost:
    """This machine as a host, with ``data``."""
    return LxcHost.model_validate({"name": "@local"} | data)
