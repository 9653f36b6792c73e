"""`python -m suite`: hands over to the command line."""

from suite.cli import main

main()
