"""Claims: statements that a spec makes, judged by its tables alone."""
