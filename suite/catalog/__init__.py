"""What a spec can name: the literal tables of activations, initialisations, measures, tasks, optimisers."""
