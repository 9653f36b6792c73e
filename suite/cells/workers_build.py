"""What is asked of a worker that may have another suite, or none: sent to it as it stands here, not by its name."""


def build() -> dict[str, str]:
    """What the worker's numbers follow from."""
    try:
        from suite.results.provenance import numbers_follow_from  # noqa: PLC0415  # it may not be there
    except ImportError:
        return {"suite": "none, or one of another version"}
    return dict(numbers_follow_from())
