"""This package turns a TOML file into a validated Spec and the members of its families."""
