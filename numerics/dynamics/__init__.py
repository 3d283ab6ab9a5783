"""Gradient descent and its relatives, for many step sizes and seeds at once.

The compiled orbits of tiny networks are in `numerics.dynamics.orbits`, which brings a compiler.
"""

from .descent import LARGEST as LARGEST
from .descent import Runs as Runs
from .descent import advance as advance
from .descent import epoch_order as epoch_order
from .optimiser import Momentum as Momentum
from .optimiser import Optimiser as Optimiser
from .optimiser import Schedule as Schedule
from .optimiser import ScheduleKind as ScheduleKind
from .starts import around as around
from .starts import random_starts as random_starts
