"""The tournament: which quantity, known before training, tells what will train; from tables alone."""
