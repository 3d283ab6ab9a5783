"""Counterexample search: draw, score a batch at once, climb, shrink, re-check exactly."""
