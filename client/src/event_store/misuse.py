"""Errors of an application that uses a store where it cannot be used so."""


class ForkedError(RuntimeError):
    """A fork uses the store that its parent has opened: open a store of its own in each process."""


class PoolerError(RuntimeError):
    """Something was asked for that a pooler breaks, without a word: prepared statements, LISTEN."""
