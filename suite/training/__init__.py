"""Training: the tasks' data, and one trainer for many replicates at once."""
