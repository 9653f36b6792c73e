"""What the user declares: from a TOML file to a validated Spec and the members of its families."""
