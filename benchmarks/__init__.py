"""Benchmarks for asv, which measure time and memory of the core estimators."""
