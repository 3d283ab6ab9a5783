"""The registry of statements: what is proved, under which hypotheses, and how it can be attacked."""

from .statement import Counterexample as Counterexample
from .statement import Hypothesis as Hypothesis
from .statement import NotSampled as NotSampled
from .statement import Sampled as Sampled
from .statement import Statement as Statement
