"""The proof kernel: terms, claims, sealed theorems, rules."""
