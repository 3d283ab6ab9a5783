"""Figures: their data as plain documents, and how matplotlib draws them."""
