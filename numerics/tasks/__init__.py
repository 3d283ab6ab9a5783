"""Task arithmetic in numbers: runs of all tasks at once, and the second-order term C (TSK-1, TSK-2)."""

from .batch import Tasks as Tasks
from .batch import tasks_of as tasks_of
from .naive import naive_path_term as naive_path_term
from .runs import Divergence as Divergence
from .runs import TaskRuns as TaskRuns
from .runs import merged as merged
from .runs import run_tasks as run_tasks
from .second_order import Explained as Explained
from .second_order import SecondOrder as SecondOrder
from .second_order import explained as explained
from .second_order import leading_term as leading_term
from .second_order import path_term as path_term
