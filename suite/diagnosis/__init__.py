"""Diagnosis of one network on data: what is wrong with it, and what would fix it."""
