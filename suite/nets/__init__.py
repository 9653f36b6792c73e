"""Ensembles of random MLPs, and exact computations on them such as gradients, kinks and dead neurons."""
