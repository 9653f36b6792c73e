"""Compiled kernels for narrow networks, which are built at first use if there is a C compiler."""
