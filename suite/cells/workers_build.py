"""The build of a Dask worker.

This module is sent by value, since the worker may have another version of the suite.
"""


def build() -> dict[str, str]:
    """Return the code and package versions that determine the worker's numbers."""
    try:
        from suite.results.provenance import numbers_follow_from  # noqa: PLC0415  # the worker may lack it
    except ImportError:
        return {"suite": "not installed or another version"}
    return dict(numbers_follow_from())
