"""The registry of statements: what is proved, under which hypotheses, and how it can be attacked."""

from ._contents import registry as registry
from ._contents import statement as statement
from ._statement import Counterexample as Counterexample
from ._statement import Hypothesis as Hypothesis
from ._statement import Instantiation as Instantiation
from ._statement import NotSampled as NotSampled
from ._statement import Sampled as Sampled
from ._statement import Statement as Statement
from .assumptions import Assumption as Assumption
from .assumptions import assumption_of as assumption_of
