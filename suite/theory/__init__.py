"""Closed forms and integrals for infinitely wide networks, computed in numpy without sampling."""
