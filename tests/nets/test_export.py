"""PyTorch code of trainings: it has the optimizer, the schedule and the clipping of the spec."""

from pathlib import Path
from typing import Any

import pytest
import torch

from suite.catalog.optimizers import Adam, AdamW, Optimizer, Sgd
from suite.catalog.tasks import Checkerboard
from suite.nets.export import training_code
from suite.spec.load import load_studies
from suite.spec.members import Member

TASK, STEPS = Checkerboard(squares=2, train=64, test=8), 12
SPEC = """
title = "Export"
seed = 1
[family]
width = 5
inputs = 2
depth = 2
activation = "tanh"
initialization = "he"
[measure.v3]
"""


@pytest.fixture
def member(tmp_path: Path) -> Member:
    """A small network."""
    (tmp_path / "study.toml").write_text(SPEC)
    (study,) = load_studies([tmp_path / "study.toml"])
    return study.members[0]


def run(code: str) -> dict[str, Any]:
    """Return the names that the code defines, for 64 points of two classes."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(64, 2, generator=generator)
    names: dict[str, Any] = {"x": x, "y": (x.prod(1) > 0).float()}
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        exec(code, names)
    return names


@pytest.mark.parametrize(
    "rule",
    [
        Adam(learning_rate=0.01, batch=16, weight_decay=0.1),
        AdamW(learning_rate=0.01, batch=16),
        AdamW(learning_rate=0.01, batch=16, weight_decay=0.0),
        Sgd(learning_rate=0.1, batch=16, momentum=0.9),
        Sgd(learning_rate=0.1, batch=16),
    ],
    ids=lambda rule: rule.label,
)
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
@pytest.mark.parametrize("warmup", [0, 4, STEPS, STEPS + 8])
def test_code_has_the_optimizer_and_its_schedule(rule: Optimizer, schedule: str, warmup: int, member: Member) -> None:
    """As torch reads it."""
    rule = rule.model_copy(update={"schedule": schedule, "warmup": warmup})

    names = run(training_code(member, rule, TASK, STEPS))

    optimizer = names["optimizer"]
    assert type(optimizer).__name__ == type(rule).function.split(":")[1]
    assert optimizer.defaults["lr"] == rule.learning_rate
    assert {key: optimizer.defaults[key] for key in rule.keywords} == rule.keywords
    (factor,) = names["schedule"].lr_lambdas if "schedule" in names else [lambda _: 1.0]
    expected = [rule.rate_factor(step, STEPS) for step in range(STEPS)]
    assert [factor(step) for step in range(STEPS)] == pytest.approx(expected, abs=1e-12)


def test_code_clips_the_gradient(member: Member) -> None:
    """The last step leaves it behind."""
    for clip in (None, 1e-4):
        rule = Sgd(learning_rate=0.1, batch=16, clip=clip)

        names = run(training_code(member, rule, TASK, STEPS))

        norm = torch.cat([part.grad.flatten() for part in names["network"].parameters()]).norm().item()
        assert (norm <= 1e-4) == (clip is not None)
