"""When training is looked at: the recorded steps, the fine ones between them, the few that are pictured."""

import pytest

from suite.catalog.measures.training import fine_steps, pictured_steps, recorded_steps

STEPS = [1, 2, 3, 24, 100, 2000, 100_000]


@pytest.mark.parametrize("steps", STEPS)
def test_every_schedule_runs_from_0_to_the_last_step(steps: int) -> None:
    """Increasing, each contained in the finer one."""
    schedules = [pictured_steps(steps), recorded_steps(steps), fine_steps(steps)]

    for schedule in schedules:
        assert schedule == sorted(set(schedule))
        assert (schedule[0], schedule[-1]) == (0, steps)
    assert set(schedules[0]) <= set(schedules[1]) <= set(schedules[2])


@pytest.mark.parametrize(
    ("steps", "pictured"),
    [(1, [0, 1]), (24, [0, 1, 6, 24]), (2000, [0, 32, 128, 512, 2000]), (3000, [0, 45, 181, 724, 3000])],
)
def test_pictures_are_taken_at_a_few_steps_about_four_times_apart(steps: int, pictured: list[int]) -> None:
    """1/64, 1/16 and 1/4 of the way, or the recorded steps nearest to them; each once."""
    assert pictured_steps(steps) == pictured
