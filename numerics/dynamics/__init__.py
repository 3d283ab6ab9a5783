"""Gradient descent as a dynamical system: orbits of many runs at once."""

from .orbits import Orbits as Orbits
from .orbits import orbits as orbits
