"""Compile and load the kernels."""

import ctypes
import hashlib
import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path

_FLAGS = (
    "-O3",
    "-march=native",
    "-mtune=generic",
    "-std=gnu11",
    "-shared",
    "-fPIC",
    "-ffp-contract=fast",
    "-fno-math-errno",
)
_HERE = Path(__file__).parent


@cache
def library() -> ctypes.CDLL | None:
    """Return the compiled kernels; None if SUITE_KERNELS is "torch" or they cannot be compiled."""
    if os.environ.get("SUITE_KERNELS") == "torch":
        return None
    sources = sorted(_HERE.glob("*.[ch]"))
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in sources)).hexdigest()[:16]
    target = Path(tempfile.gettempdir()) / f"suite-kernels-{os.getuid()}-{digest}.so"
    if not target.exists():
        new = target.with_suffix(f".{os.getpid()}")
        try:
            subprocess.run(["cc", *_FLAGS, "-o", new, _HERE / "kernels.c", "-lm"], check=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        new.replace(target)
    return ctypes.CDLL(str(target))
