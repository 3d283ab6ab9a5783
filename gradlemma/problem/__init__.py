"""Problems: what to bound, read from a file or built in Python, with every part checked."""

from gradlemma.errors import ProblemError as ProblemError

from ._feed_forward import bounds_refusal as bounds_refusal
from ._feed_forward import feed_forward as feed_forward
from ._load import load_problem as load_problem
from ._load import with_line as with_line
from ._parts import BoxSpec as BoxSpec
from ._parts import Measure as Measure
from ._parts import Samples as Samples
from ._problem import Problem as Problem
from ._tasks import TaskSplit as TaskSplit
from .user_activation import activation_from_pieces as activation_from_pieces
