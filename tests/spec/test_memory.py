"""The memory that a process may use, by the limits of control groups of both versions."""

from pathlib import Path

import psutil
import pytest

from suite.spec.memory import control_group_limits, memory_limit


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("own", "files", "limits"),
    [
        ("0::/jobs/one\n", {"jobs/one/memory.max": "2000\n", "jobs/memory.max": "max\n"}, [2000]),
        ("0::/jobs/one\n", {"jobs/one/memory.max": "max\n", "jobs/memory.max": "3000\n"}, [3000]),
        ("0::/\n", {"memory.max": "4000\n"}, [4000]),
        (
            "5:cpu:/slurm\n4:memory:/slurm/step\n",
            {"memory/slurm/step/memory.limit_in_bytes": "500\n", "memory/slurm/memory.limit_in_bytes": "700\n"},
            [500, 700],
        ),
        ("4:cpu,memory:/a:b\n", {"memory/a:b/memory.limit_in_bytes": "500\n"}, [500]),
        ("0::/elsewhere\n", {}, []),
    ],
    ids=["own", "of a parent", "root", "version 1", "a colon in the name", "not mounted"],
)
def test_limits_of_all_groups_around_a_process(
    tmp_path: Path, own: str, files: dict[str, str], limits: list[int]
) -> None:
    """The process's own group, and those that contain it."""
    write(tmp_path, {"cgroup": own} | {f"mounted/{name}": text for name, text in files.items()})

    assert list(control_group_limits(tmp_path / "cgroup", tmp_path / "mounted")) == limits


def test_systems_without_control_groups_have_no_limits(tmp_path: Path) -> None:
    """macOS and Windows."""
    assert list(control_group_limits(tmp_path / "missing", tmp_path)) == []


def test_the_limit_is_at_most_the_machines_memory() -> None:
    """And more than nothing."""
    assert 0 < memory_limit() <= psutil.virtual_memory().total
