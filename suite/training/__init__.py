"""Training: the data of tasks, a trainer for many networks at once, and the measures of training."""
