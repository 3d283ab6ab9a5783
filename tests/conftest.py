"""Profiles of Hypothesis: the same examples in every run of `make test`, fresh ones at night."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("nightly", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("GRADLEMMA_HYPOTHESIS", "ci"))
