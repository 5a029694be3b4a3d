"""How long the application may wait, in seconds: what was asked for is asserted, what is aimed at is reported."""

from typing import NamedTuple


class Budget(NamedTuple):
    """One query's time as the application sees it."""

    asked: float
    """The median has to be below."""
    target: float
    """What the design aims at."""


APPEND_AND_READ_BACK_1000 = Budget(asked=0.100, target=0.030)
READ_ONE_AGGREGATE = Budget(asked=0.100, target=0.005)
QUERY_PROJECTION = Budget(asked=0.200, target=0.005)
