"""The foot of the page: what ran, where, with what, and how to do it again."""

from collections.abc import Callable
from typing import Any

import pytest

from suite.report.origin import again, origin
from suite.runs.results import Results


@pytest.mark.parametrize(
    ("study", "title", "commit", "command"),
    [
        ("deep", "Deep", None, "python -m suite run specs/deep.toml"),
        ("deep", "Deep", "0123456789abcdef+", "git checkout 0123456789ab && python -m suite run specs/deep.toml"),
        ("deep-quick", "Deep (quick: a tenth)", None, "python -m suite run --quick specs/deep.toml"),
        ("deep-quick", "A study so called", None, "python -m suite run specs/deep-quick.toml"),
    ],
)
def test_the_command_that_computes_a_study_again(study: str, title: str, commit: str | None, command: str) -> None:
    """From the commit that it was computed by, and in part where it was."""
    run: dict[str, Any] = {"study": study, "spec": {"title": title}, "environment": {"commit": commit}}

    assert again(run) == command


def test_the_foot_says_what_ran_where_and_with_what(results_of: Callable[[str], Results]) -> None:
    """Pieces of work, device, processor, versions."""
    run = results_of("tiny_death").run

    work, made = origin(run)

    assert work.startswith(f"{len(run['cells'])} pieces of work")
    assert " on cpu, 1 thread each" in work
    assert f"torch {run['environment']['packages']['torch']}" in made
    assert run["environment"]["machine"] in made
