"""Problems: what to bound, read from a file or built in Python, with every part checked."""

from gradlemma.errors import ProblemError as ProblemError

from ._load import load_problem as load_problem
from ._problem import BoxSpec as BoxSpec
from ._problem import Measure as Measure
from ._problem import Problem as Problem
from ._problem import Samples as Samples
