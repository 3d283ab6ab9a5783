"""The scan: descent for a grid of step sizes and seeds, with the Hessian's spectrum along every run."""

from .chunk import ChunkResult as ChunkResult
from .chunk import ChunkTask as ChunkTask
from .chunk import State as State
from .chunk import run_chunk as run_chunk
from .fields import COORDINATES as COORDINATES
from .fields import Field as Field
from .fields import fields_of as fields_of
from .plan import Chunk as Chunk
from .plan import Cut as Cut
from .plan import Mode as Mode
from .plan import Plan as Plan
from .plan import chosen_cut as chosen_cut
from .record import record as record
from .run import Here as Here
from .run import Spent as Spent
from .run import local_processes as local_processes
from .run import run_plan as run_plan
from .store import Store as Store
from .store import StoreError as StoreError
