"""asv's benchmarks: time and memory of the core estimators, a small class each."""
