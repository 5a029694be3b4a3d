"""Attacks on a deployed store."""

from .becoming import BECOMING
from .going_round import GOING_ROUND
from .running_code import RUNNING_CODE
from .writing import WRITING

ATTACKS = [*WRITING, *GOING_ROUND, *BECOMING, *RUNNING_CODE]
