"""Closed forms and integrals, no sampling: what infinitely wide networks do, in numpy alone."""
