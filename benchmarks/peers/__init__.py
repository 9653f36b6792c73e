"""Comparison of the suite with the code that its users would write instead.

All contenders run the same computation in turn, in one run.
"""
