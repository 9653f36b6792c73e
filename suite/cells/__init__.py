"""Cells: units of work, what each computes, who computes it, and the cache that keeps it."""
