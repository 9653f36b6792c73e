"""What a spec can name: the literal tables of activations, initializations, measures, tasks, optimizers."""
