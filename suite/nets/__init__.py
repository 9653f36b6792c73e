"""What is drawn: many random networks at once, and what can be computed of them exactly."""
