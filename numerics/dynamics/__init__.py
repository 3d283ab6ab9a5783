"""Gradient descent and its relatives, for many step sizes and seeds at once."""

from .descent import LARGEST as LARGEST
from .descent import Runs as Runs
from .descent import advance as advance
from .descent import epoch_order as epoch_order
from .optimiser import Momentum as Momentum
from .optimiser import Optimiser as Optimiser
from .optimiser import Schedule as Schedule
from .optimiser import ScheduleKind as ScheduleKind
from .orbits import Orbits as Orbits
from .orbits import orbits as orbits
from .starts import around as around
from .starts import random_starts as random_starts
