"""A Slurm of one node on this machine, for the tests: its daemons, its folder, its ports, and their end."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]
CORES = 8
"""What the node says it has, whatever it has: as many jobs run side by side everywhere."""

_NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "setpriv")
_STARTED, _ENDED = 60, 20
"""Seconds that daemons may take to be at work, and to be gone; on an idle machine both take about two."""


def lacking() -> str | None:
    """Why no Slurm can be started here, or None."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "only root can start a Slurm"
    missing = [name for name in _NEEDED if not _found(name)]
    return f"no {', '.join(missing)}; install slurm-wlm and munge" if missing else None


@contextmanager
def cluster() -> Iterator[dict[str, str]]:
    """Starts a Slurm and yields the environment in which sbatch, srun and the like speak to it; ends it on leaving.

    Everything it writes is in a folder of its own, and it listens at 127.0.0.1 alone.

    Raises:
        RuntimeError: it does not start; with what its daemons said.
    """
    # Not pytest's folder, which munged, a user of its own, may not enter.
    with tempfile.TemporaryDirectory(prefix="slurm_") as name, ExitStack() as ends:
        folder = Path(name)
        folder.chmod(0o755)
        _configure(folder)
        environment = _environment(folder)
        try:
            ends.enter_context(_munged(folder))
            ends.callback(_kill_what_is_left, environment)
            for daemon in ("slurmctld", "slurmd"):
                ends.enter_context(_daemon([_found(daemon), "-D"], folder / f"{daemon}.out", environment))
            _wait_until_idle(environment)
        except RuntimeError as error:
            logs = "".join(f"\n{log.name}:\n{log.read_text()[-2000:]}" for log in sorted(folder.glob("*.out")))
            raise RuntimeError(f"{error}{logs}") from None
        ends.callback(_end_jobs, environment)
        yield environment


def jobs(environment: dict[str, str]) -> list[str]:
    """A line each job that waits, runs or is ending: its id and state."""
    said = _asked(["squeue", "--noheader", "--array", "--format=%i %T"], environment)
    if said.returncode:
        raise RuntimeError(f"squeue: {said.stderr}")
    return said.stdout.splitlines()


def _found(name: str) -> str:
    """Daemons are in /usr/sbin, which not every PATH has; empty where there is none."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin") or ""


def _environment(folder: Path) -> dict[str, str]:
    """This process's, with this interpreter first on the PATH, and none of a Slurm that may be around it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "SBATCH", "SRUN"))}
    return kept | {
        "SLURM_CONF": str(folder / "slurm.conf"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
        "PYTHONPATH": str(ROOT),
    }


@contextmanager
def _munged(folder: Path) -> Iterator[None]:
    """The daemon by whose signatures Slurm's know each other; it does not want to be root's."""
    own = folder / "munge"
    own.mkdir()
    (own / "key").write_bytes(os.urandom(128))
    (own / "key").chmod(0o400)
    for file in (own, own / "key"):
        shutil.chown(file, "munge", "munge")
    files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
    options = [f"--{option}={own / file}" for option, file in files.items()]
    user = ("--reuid=munge", "--regid=munge", "--clear-groups")
    with _daemon([_found("munged"), "--foreground", *options], folder / "munged.out", dict(os.environ), user):
        until = time.monotonic() + _STARTED
        while not (own / "socket").exists():
            if time.monotonic() > until:
                raise RuntimeError(f"munged has not started in {_STARTED} s")
            time.sleep(0.05)
        yield


@contextmanager
def _daemon(command: list[str], out: Path, environment: dict[str, str], user: tuple[str, ...] = ()) -> Iterator[None]:
    """Runs a daemon, as a user if one is given, which also ends when this process is killed."""
    command = ["setpriv", *user, "--pdeathsig=TERM", *command]
    with out.open("w") as file:
        daemon = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=environment)
    try:
        yield
    finally:
        daemon.terminate()
        try:
            daemon.wait(_ENDED)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()


def _configure(folder: Path) -> None:
    host = socket.gethostname().split(".")[0]
    controller, node = _free_ports(2)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    # cred_expire is also how long a requeued job waits; CPUs and memory are whatever is said here (config_overrides).
    (folder / "slurm.conf").write_text(f"""\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=cred_expire=5,socket={folder}/munge/socket
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
KillWait=10
MinJobAge=3600
NodeName={host} NodeAddr=127.0.0.1 CPUs={CORES} RealMemory=65536 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
""")


def _free_ports(number: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(number)]
        for free in sockets:
            free.bind(("127.0.0.1", 0))
        return [free.getsockname()[1] for free in sockets]


def _wait_until_idle(environment: dict[str, str]) -> None:
    until = time.monotonic() + _STARTED
    while True:
        seen = _asked(["sinfo", "--noheader", "--format=%T"], environment)
        if seen.returncode == 0 and seen.stdout.strip() == "idle":
            return
        if time.monotonic() > until:
            raise RuntimeError(f"Slurm has not started in {_STARTED} s: {seen.stdout}{seen.stderr}")
        time.sleep(0.2)


def _end_jobs(environment: dict[str, str]) -> None:
    """Cancels what tests have left behind; what does not end in time is killed with the daemons."""
    with suppress(RuntimeError, subprocess.TimeoutExpired):
        left = [job.split()[0] for job in jobs(environment)]
        if left:
            _asked(["scancel", *left], environment)
        until = time.monotonic() + _ENDED
        while jobs(environment) and time.monotonic() < until:
            time.sleep(0.2)


def _kill_what_is_left(environment: dict[str, str]) -> None:
    """Jobs outlive Slurm's daemons."""
    signalled(signal.SIGKILL, environment)


def signalled(number: signal.Signals, environment: dict[str, str], **values: str) -> list[int]:
    """Signals the processes that have this Slurm's configuration, and what else is named, in their environment."""
    named = values | {"SLURM_CONF": environment["SLURM_CONF"]}
    wanted = {f"{name}={value}".encode() for name, value in named.items()}
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if wanted <= set((process / "environ").read_bytes().split(b"\0")):
                os.kill(int(process.name), number)
                found.append(int(process.name))
    return found


def _asked(command: list[str], environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
