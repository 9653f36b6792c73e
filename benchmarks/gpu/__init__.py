"""`python -m benchmarks.gpu`: checks and measurements of the suite on one GPU, in eight minutes."""
