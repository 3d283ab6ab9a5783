"""Task arithmetic in numbers: runs, the second-order term C, observed orders and kinks (TSK-1, 2 and 4).

Float64 for networks of any size; balls and rationals, for small ones, where an order or a piece is claimed.
"""

from .batch import Tasks as Tasks
from .batch import tasks_of as tasks_of
from .exact_runs import ExactRuns as ExactRuns
from .exact_runs import ExactTask as ExactTask
from .exact_runs import ExactTasks as ExactTasks
from .exact_runs import exact_leading_term as exact_leading_term
from .exact_runs import exact_path_term as exact_path_term
from .exact_runs import exact_runs as exact_runs
from .kinks import KinkOutcome as KinkOutcome
from .kinks import KinkReport as KinkReport
from .kinks import Unit as Unit
from .kinks import certify_pieces as certify_pieces
from .naive import naive_path_term as naive_path_term
from .order import FORMS as FORMS
from .order import OrderOutcome as OrderOutcome
from .order import OrderTable as OrderTable
from .order import order_table as order_table
from .runs import Divergence as Divergence
from .runs import TaskRuns as TaskRuns
from .runs import merged as merged
from .runs import run_tasks as run_tasks
from .second_order import Explained as Explained
from .second_order import SecondOrder as SecondOrder
from .second_order import explained as explained
from .second_order import leading_term as leading_term
from .second_order import path_term as path_term
from .seen_pieces import PiecesSeen as PiecesSeen
from .seen_pieces import pieces_seen as pieces_seen
from .sweeps import BALLS as BALLS
from .sweeps import RATIONALS as RATIONALS
from .sweeps import KinkMet as KinkMet
from .sweeps import Sweep as Sweep
