"""`python -m benchmarks.gpu`: everything that is worth knowing of the suite on one GPU, in one run of eight minutes."""
