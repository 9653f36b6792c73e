"""Name, write and read the files of a results folder."""
