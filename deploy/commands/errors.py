"""What the commands raise if the inventory is fine and they still cannot do what was asked."""


class CommandError(Exception):
    """The message says what is in the way, and the remedy."""
