"""How much memory this process may use."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

import psutil

_CGROUPS = Path("/sys/fs/cgroup")


@cache
def memory_limit() -> int:
    """Return the machine's memory in bytes, or the limit of the control group that this process runs in, if lower.

    Containers and batch systems such as Slurm set such limits.
    """
    total: int = psutil.virtual_memory().total
    return min([total, *control_group_limits(Path("/proc/self/cgroup"), _CGROUPS)])


def control_group_limits(own: Path, mounted: Path) -> Iterator[int]:
    """Yield the limits in bytes of a process's control group and of the groups that contain it.

    Args:
        own: The file that names the process's groups, as described in cgroups(7). Without it, there are no limits.
        mounted: Where control groups are mounted.
    """
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not path:
            continue
        if controllers == "":
            folder, name = mounted, "memory.max"
        elif "memory" in controllers.split(","):
            folder, name = mounted / "memory", "memory.limit_in_bytes"
        else:
            continue
        group = PurePosixPath(path.lstrip("/"))
        for place in (group, *group.parents):
            try:
                text = (folder / place / name).read_text(encoding="utf-8").strip()
            except OSError:
                continue
            if text.isdecimal():  # not "max"
                yield int(text)
