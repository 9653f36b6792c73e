"""Cells: units of work, what each computes, the executor that runs it, and the cache."""
