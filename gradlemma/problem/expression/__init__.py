"""Expressions in t as text: a small language of its own that yields the kernel's expressions, exactly."""

from ._functions import FUNCTIONS as FUNCTIONS
from ._functions import NAMES as NAMES
from ._parser import parse_expression as parse_expression
from ._printing import expression_text as expression_text
from ._sizes import weight_of as weight_of
from ._tokens import MAX_LENGTH as MAX_LENGTH
