"""The files of a results folder: what they are called, how they are written, and how they are read."""
