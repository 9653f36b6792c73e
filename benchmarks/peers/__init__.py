"""The suite beside what its users would write instead: the same work, in one run, with every contender in turn."""
