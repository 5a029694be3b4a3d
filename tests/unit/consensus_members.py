"""Members of a consensus as tests of it need them: declared ones, and what they say of themselves and of each other."""

from typing import Any

from deploy.consensus.facts import Listed, Member
from deploy.model.consensus import ConsensusMember


def declared(number: int, **more: Any) -> ConsensusMember:
    """The member c``number``."""
    data = {
        "name": f"@lxc/c{number}",
        "lxc_name": f"c{number}",
        "lxc_host": "@local",
        "address": f"10.0.3.{20 + number}",
    }
    return ConsensusMember.model_validate({**data, **more})


def entry(number: int, *, name: str | None = None, learner: bool = False) -> Listed:
    """The same as etcd has it."""
    name = f"c{number}" if name is None else name
    client = f"https://10.0.3.{20 + number}:2379" if name else ""
    return Listed(f"{number:x}", name, f"https://10.0.3.{20 + number}:2380", client, learner)


def said(**more: Any) -> Member:
    """A member of three that is well."""
    status = {"version": "3.5.16", "dbSize": 20480, "leader": 7, "header": {"member_id": 7}}
    data = {"told": True, "installed": "3.5.16-4", "data": True, "status": status, "snapshot": 1000}
    return Member(**{**data, "listed": (entry(1), entry(2), entry(3)), **more})
