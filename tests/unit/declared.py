"""Valid settings for tests that need some."""

from typing import Any

from deploy.model.settings import Container, LxcHost


def container(**data: Any) -> Container:
    """A container with what it needs, and ``data``."""
    given_ones = {"name": "@lxc/one", "lxc_name": "one", "lxc_host": "@local", "address": "10.0.3.10"}
    return Container.model_validate(given_ones | data)


def lxc_host(**data: Any) -> LxcHost:
    """This machine as a host, with ``data``."""
    return LxcHost.model_validate({"name": "@local"} | data)
