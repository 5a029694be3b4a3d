"""What all groups of an inventory share."""

from pydantic import BaseModel, ConfigDict


class Group(BaseModel):
    """One machine of a group. A subclass is the reference of its group: its fields are the keys of the inventory.

    The docstring of a field is its text in docs/inventory.md; ``Default: ….`` in it goes to the column of defaults.
    ``change`` says what a deploy does after the key was changed: effects, a colon, the details.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str
    """The inventory's name of the machine, for example ``@local`` or ``@lxc/stock-analysis``."""
