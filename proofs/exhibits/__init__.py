"""Instances computed when asked for: a form of a statement that fails, and the corrected form that holds."""

from ._exhibit import Exhibit as Exhibit
from ._exhibit import ExhibitFailed as ExhibitFailed
from ._exhibit import Shown as Shown
from .analyticity import CRACIUN as CRACIUN
from .analyticity import GELU as GELU
from .analyticity import GENERIC_DATA as GENERIC_DATA
from .analyticity import KINKS as KINKS
from .analyticity import OTHER_ORDER as OTHER_ORDER
from .steps import ADAPTIVE as ADAPTIVE
from .steps import DEAD_REGION as DEAD_REGION
from .steps import EVERY_STEP as EVERY_STEP
from .steps import PROXIMAL as PROXIMAL
from .steps import START_AT_REST as START_AT_REST
from .steps import TWO_WELLS as TWO_WELLS
from .tasks import COLLAPSED_BINOMIAL as COLLAPSED_BINOMIAL
from .tasks import KINK as KINK
from .tasks import OPTIMAL_FACTOR as OPTIMAL_FACTOR
from .tasks import PLUS_SIGN as PLUS_SIGN
from .tasks import SEVERAL_STEPS as SEVERAL_STEPS
from .tasks import WITHOUT_ALPHA as WITHOUT_ALPHA
