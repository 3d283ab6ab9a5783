"""Theorems about networks, derived from kernel rules alone; ids as in the theory."""
