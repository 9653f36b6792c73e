"""The studies of docs/diagnosis.md: how often networks with a finding fail, and whether planted faults are found.

`python docs/diagnosis.py calibrate OUT.pkl` trains random networks on nine tasks, and stores how they were built and
their scores. `python docs/diagnosis.py table OUT.pkl ...` measures them and prints the table of severity.py.
`python docs/diagnosis.py panel OUT.csv` diagnoses networks with planted faults and healthy ones, and
`python docs/diagnosis.py summary OUT.csv ...` prints how many of the faults are found.
"""

import argparse
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from suite.catalog.datasets import Dataset
from suite.catalog.tasks import TASKS
from suite.diagnosis.evidence import gather_evidence
from suite.diagnosis.findings import FINDINGS
from suite.diagnosis.initialize import initialize_
from suite.diagnosis.samples import Samples
from suite.diagnosis.severity import Chance
from suite.diagnosis.trial import Trial
from suite.nets.torch_settings import standard_settings
from suite.nets.tracing import trace_module
from suite.runs.diagnose import diagnose_network, find_with_data
from suite.spec.data_files import read_facts
from suite.training.tasks import make_data

NETWORKS = 480
STEPS = 800
TASK_KEYS: dict[str, dict[str, Any]] = {
    "checkerboard": {"squares": 2},
    "spirals": {"turns": 1.0},
    "circles": {"rings": 3},
    "moons": {},
    "breast_cancer": {},
    "wine": {},
    "iris": {},
    "digits": {},
    "diabetes": {},
}
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "leaky_relu": lambda: nn.LeakyReLU(0.1),
    "softplus": nn.Softplus,
    "mish": nn.Mish,
}

NORMALIZATIONS: dict[str, Callable[[int], nn.Module]] = {"layer": nn.LayerNorm, "batch": nn.BatchNorm1d}


@dataclass(frozen=True)
class Record:
    """A network that was trained to the end.

    Attributes:
        task: The task.
        network: How it was built.
        score: The mean test score of the best learning rate.
        constant: The score of the best constant.
    """

    task: str
    network: dict[str, Any]
    score: float
    constant: float


class Residual(nn.Module):
    """h + activation(linear(h))."""

    def __init__(self, width: int, layers: list[nn.Module]) -> None:
        super().__init__()
        self.inner = nn.Sequential(*layers)

    def forward(self, h: Tensor) -> Tensor:
        """Return the sum."""
        summed: Tensor = h + self.inner(h)
        return summed


def samples_of(task: str, points: int = 1000) -> Samples:
    """Return the data of a task, with inputs as the task has them."""
    entry = TASKS[task]
    keys = dict(TASK_KEYS[task])
    if task == "digits":
        keys |= {"train": points, "test": 100}
    elif "train" in entry.model_fields:
        keys |= {"train": points, "test": 1}
    made = entry(**keys)
    if isinstance(made, Dataset):
        made = made.with_facts(read_facts(made, Path.cwd()))
    data = make_data(made, 0, 0, 1, torch.float64)
    parts = (data.train, data.validation, data.test)
    inputs, labels = (torch.cat([getattr(part, name)[0] for part in parts], dim=1) for name in ("inputs", "labels"))
    return Samples(inputs, labels, data.loss, tuple(map(str, range(len(inputs)))))


def draw_network(generator: np.random.Generator) -> dict[str, Any]:
    """Draw how a network is built."""
    pick = generator.choice
    return {
        "depth": int(pick([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48])),
        "width": int(pick([2, 4, 8, 16, 32, 64], p=[0.08, 0.1, 0.15, 0.22, 0.25, 0.2])),
        "activation": str(pick(list(ACTIVATIONS))),
        "normalization": str(pick(["none", "layer", "batch"], p=[0.76, 0.12, 0.12])),
        "residual": bool(generator.random() < 0.12),
        "scheme": str(
            pick(
                ["pytorch", "variance_preserving", "critical", "he", "glorot", "normal"],
                p=[0.3, 0.2, 0.1, 0.1, 0.1, 0.2],
            )
        ),
        "gain": float(np.exp(generator.uniform(np.log(0.05), np.log(5)))) if generator.random() < 0.3 else 1.0,
        "bias_mean": float(generator.uniform(-2, 2)) if generator.random() < 0.12 else 0.0,
        "bias_std": float(np.exp(generator.uniform(np.log(0.1), np.log(4)))) if generator.random() < 0.12 else 0.0,
        "readout": float(np.exp(generator.uniform(np.log(0.01), np.log(30)))) if generator.random() < 0.12 else 1.0,
        "scale": float(np.exp(generator.uniform(np.log(0.001), np.log(1000)))) if generator.random() < 0.15 else 1.0,
        "shift": float(np.exp(generator.uniform(0, np.log(1000)))) if generator.random() < 0.1 else 0.0,
        "target_scale": float(np.exp(generator.uniform(np.log(0.01), np.log(1000))))
        if generator.random() < 0.4
        else 1.0,
        "seed": int(generator.integers(2**31)),
    }


def build(how: dict[str, Any], inputs: int, outputs: int) -> nn.Module:
    """Return the network that was drawn."""
    torch.manual_seed(how["seed"])
    activation = ACTIVATIONS[how["activation"]]
    layers: list[nn.Module] = []
    fan_in = inputs
    for number in range(how["depth"]):
        part = [nn.Linear(fan_in, how["width"]), activation()]
        if how["normalization"] != "none":
            part.insert(1, NORMALIZATIONS[how["normalization"]](how["width"]))
        layers += [Residual(how["width"], part)] if how["residual"] and number else part
        fan_in = how["width"]
    net = nn.Sequential(*layers, nn.Linear(fan_in, outputs))
    linears = [part for part in net.modules() if isinstance(part, nn.Linear)]
    if how["scheme"] == "normal":
        for linear in linears:
            nn.init.normal_(linear.weight, std=0.1)
            nn.init.zeros_(linear.bias)
    elif how["scheme"] != "pytorch":
        initialize_(net, how["scheme"], how["seed"])
    with torch.no_grad():
        for linear in linears[:-1]:
            linear.weight *= how["gain"]
            linear.bias.add_(how["bias_mean"] + how["bias_std"] * torch.randn_like(linear.bias))
        linears[-1].weight *= how["readout"]
    return net


def changed(samples: Samples, how: dict[str, Any]) -> Samples:
    """Return standardized inputs on another scale, and targets of a regression on another scale."""
    plain = samples.standardized()
    labels = samples.labels * how["target_scale"] if samples.regression else samples.labels
    return replace(plain, inputs=how["scale"] * plain.inputs + how["shift"], labels=labels)


def calibrate(seed: int, networks: int) -> Iterator[Record]:
    """Draw networks and tasks, and train the networks to the end."""
    generator = np.random.default_rng(seed)
    known = {task: samples_of(task) for task in TASK_KEYS}
    for _ in range(networks):
        task = str(generator.choice(list(known)))
        how = draw_network(generator)
        samples = changed(known[task], how)
        network = trace_module(build(how, len(samples.inputs), len(samples.labels)))
        trial = Trial(samples, seed=0, steps=STEPS, replicates=2)
        outcome = trial.run(network)
        yield Record(task, how, outcome.score, samples.constant_score)


FAILS = 0.75
"""A network failed if it closes less than this share of the gap from a constant to the best network on its task."""


def print_table(records: list[Record]) -> None:
    """Print how many of the networks with each finding failed, as Python for suite/diagnosis/severity.py."""
    best = {task: max(record.score for record in records if record.task == task) for task in TASK_KEYS}
    counts: dict[tuple[str, str], list[int]] = {}
    for record in records:
        share = (record.score - record.constant) / (best[record.task] - record.constant)
        found = _findings_of(record)
        for key in found or [("", "")]:
            counts.setdefault(key, [0, 0])
            counts[key][0] += share < FAILS
            counts[key][1] += 1
    for (name, strength), (failed, number) in sorted(counts.items(), key=lambda item: (_place(item[0][0]), item[0][1])):
        print(f'    ("{name}", "{strength}"): Chance({failed}, {number}),')


def _place(name: str) -> int:
    return FINDINGS.index(name) if name in FINDINGS else -1


def _findings_of(record: Record) -> list[tuple[str, str]]:
    """Return the findings of a recorded network, built again, that standardized data do not remove."""
    if record.task not in _KNOWN:
        _KNOWN[record.task] = samples_of(record.task)
    samples = changed(_KNOWN[record.task], record.network)
    network = trace_module(build(record.network, len(samples.inputs), len(samples.labels)))
    found, _ = find_with_data(network, samples, gather_evidence(network, samples, with_theory=False))
    return [(each.finding, each.strength) for each, gone in found if not gone]


_KNOWN: dict[str, Samples] = {}


@dataclass(frozen=True)
class Fault:
    """A kind of planted fault.

    Attributes:
        accepted: The findings that name it.
        depth, width, activations: Of the networks.
        scheme: How the network is initialized before the fault is planted.
        plant: Changes the network in place, given a generator.
        data: Changes standardized data.
        tasks: The tasks; all if empty.
    """

    accepted: tuple[str, ...]
    depth: tuple[int, int] = (2, 5)
    width: tuple[int, int] = (16, 65)
    activations: tuple[str, ...] = ("relu", "tanh", "gelu")
    scheme: str = "variance_preserving"
    plant: Callable[[list[nn.Linear], np.random.Generator], None] | None = None
    data: Callable[[Samples, np.random.Generator], Samples] | None = None
    tasks: tuple[str, ...] = ()


def _negative_biases(linears: list[nn.Linear], generator: np.random.Generator) -> None:
    for linear in linears[:-1]:
        linear.bias.fill_(-float(generator.uniform(1.5, 4)))


def _times(low: float, high: float) -> Callable[[list[nn.Linear], np.random.Generator], None]:
    def plant(linears: list[nn.Linear], generator: np.random.Generator) -> None:
        gain = float(generator.uniform(low, high))
        for linear in linears[:-1]:
            linear.weight *= gain

    return plant


def _small_weights(linears: list[nn.Linear], generator: np.random.Generator) -> None:
    for linear in linears:
        nn.init.normal_(linear.weight, std=0.01)


def _zero_readout(linears: list[nn.Linear], generator: np.random.Generator) -> None:
    linears[-1].weight.zero_()
    linears[-1].bias.zero_()


def _large_biases(linears: list[nn.Linear], generator: np.random.Generator) -> None:
    size = float(generator.uniform(4, 10))
    for linear in linears[:-1]:
        nn.init.normal_(linear.bias, std=size)


def _as_bytes(samples: Samples, generator: np.random.Generator) -> Samples:
    low, high = samples.inputs.amin(1, keepdim=True), samples.inputs.amax(1, keepdim=True)
    scaled = 255 * (samples.inputs - low) / torch.where(high > low, high - low, 1.0)
    return replace(samples, inputs=scaled)


def _shifted(samples: Samples, generator: np.random.Generator) -> Samples:
    return replace(samples, inputs=samples.inputs + 1000)


_LOST = ("initialization", "collapse", "vanishing_signal", "vanishing_gradient")

FAULTS = {
    "negative biases": Fault(("initialization", "dead_units"), (3, 6), activations=("relu",), plant=_negative_biases),
    "PyTorch's default at depth 30": Fault((*_LOST, "depth"), (30, 31), (16, 33), scheme="pytorch"),
    "tanh at gain 3 or more": Fault(
        ("initialization", "saturated"), (6, 11), activations=("tanh",), plant=_times(3.0, 6.0)
    ),
    "a stack of sigmoids": Fault((*_LOST, "saturated"), (8, 13), activations=("sigmoid",), scheme="pytorch"),
    "weights of 0.01": Fault(_LOST, (4, 9), plant=_small_weights),
    "inputs in [0, 255]": Fault(("input_scale",), scheme="pytorch", data=_as_bytes),
    "inputs shifted by 1,000": Fault(("input_scale",), scheme="pytorch", data=_shifted),
    "a readout of 0": Fault(("output_scale",), plant=_zero_readout),
    "width 2 at depth 10": Fault(("width",), (10, 11), (2, 3)),
    "depth 120": Fault(("depth",), (120, 121), (16, 33)),
    "large biases": Fault(("initialization", "collapse"), (3, 8), plant=_large_biases),
    "weights too large": Fault(
        ("initialization", "exploding_signal", "exploding_gradient"),
        (8, 13),
        activations=("relu",),
        plant=_times(3.0, 6.0),
    ),
}


def healthy_networks(
    task: str, samples: Samples, generator: np.random.Generator, number: int
) -> Iterator[tuple[float, nn.Module, float]]:
    """Yield networks within 0.02 of the best of their family, with their score and that of the best."""
    family = []
    for _ in range(3 * number):
        how = {
            "depth": int(generator.integers(1, 5)),
            "width": int(generator.integers(16, 65)),
            "activation": str(generator.choice(["relu", "tanh", "gelu", "silu", "leaky_relu"])),
            "normalization": str(generator.choice(["none", "none", "none", "layer", "batch"])),
            "scheme": str(generator.choice(["pytorch", "variance_preserving", "he"])),
            "seed": int(generator.integers(2**31)),
        }
        net = build(PLAIN | how, len(samples.inputs), len(samples.labels))
        family.append(
            (Trial(samples, seed=1, steps=PANEL_STEPS, replicates=PANEL_REPLICATES).run(trace_module(net)).score, net)
        )
    best = max(score for score, _ in family)
    near = [(score, net, best) for score, net in family if score >= best - 0.02]
    yield from near[:number]


PLAIN = {
    "normalization": "none",
    "residual": False,
    "gain": 1.0,
    "bias_mean": 0.0,
    "bias_std": 0.0,
    "readout": 1.0,
}
PANEL_STEPS, PANEL_REPLICATES = 400, 5


def run_panel(seed: int, draws: int, healthy: int) -> Iterator[dict[str, Any]]:
    """Diagnose networks with planted faults, and healthy ones; yield a row for each."""
    generator = np.random.default_rng(seed)
    known = {task: samples_of(task).standardized() for task in TASK_KEYS}
    tops = {}
    for task, samples in known.items():
        nets = list(healthy_networks(task, samples, generator, healthy))
        tops[task] = nets[0][2]
        for _, net, _ in nets:
            yield {"kind": "healthy", "task": task, "best": tops[task]} | _diagnosed(net, samples, ())
    for kind, fault in FAULTS.items():
        for _ in range(draws):
            task = str(generator.choice(list(fault.tasks or known)))
            samples = fault.data(known[task], generator) if fault.data else known[task]
            how = {
                "depth": int(generator.integers(*fault.depth)),
                "width": int(generator.integers(*fault.width)),
                "activation": str(generator.choice(fault.activations)),
                "scheme": fault.scheme,
                "seed": int(generator.integers(2**31)),
            }
            net = build(PLAIN | how, len(samples.inputs), len(samples.labels))
            if fault.plant:
                fault.plant([part for part in net.modules() if isinstance(part, nn.Linear)], generator)
            row = {"kind": kind, "task": task, "best": tops[task]}
            yield (
                row
                | {key: how[key] for key in ("depth", "width", "activation")}
                | _diagnosed(net, samples, fault.accepted)
            )


def _diagnosed(net: nn.Module, samples: Samples, accepted: tuple[str, ...]) -> dict[str, Any]:
    """Return what a diagnosis says, in the columns of the panel's table."""
    labels = samples.labels.T.numpy()
    y = labels if samples.regression else labels[:, 0] if labels.shape[1] == 1 else labels.argmax(1)
    found = diagnose_network(net, samples.inputs.T.numpy(), y, steps=PANEL_STEPS, replicates=PANEL_REPLICATES)
    first = list(found.findings["finding"][:2])
    rows = found.tried.set_index("remedy")
    best = found.best or "as it is"
    return {
        "found": bool(set(first) & set(accepted)),
        "first": " ".join(first),
        "high": " ".join(found.findings.loc[found.findings["severity"] == "high", "finding"]),
        "before": rows.loc["as it is", "test"],
        "remedy": found.best,
        "after": rows.loc[best, "test"],
    }


def print_summary(frame: pd.DataFrame) -> None:
    """Print how many faults are among the first two findings, and how many remedies reach a healthy score.

    A healthy score is the mean of the healthy networks on the task, trained anew on other splits than those by which
    they were chosen.
    """
    healthy = frame[frame["kind"] == "healthy"]
    reference = frame["task"].map(healthy.groupby("task")["before"].mean())
    faults = frame.assign(reference=reference)[frame["kind"] != "healthy"]
    print("| fault | found | median score as it is | after the first remedy | within 0.02 of a healthy network |")
    print("|---|---|---|---|---|")
    for kind, rows in faults.groupby("kind", sort=False):
        fixed = rows["after"] >= rows["reference"] - 0.02
        found, number = rows["found"].sum(), len(rows)
        scores = f"{rows['before'].median():.2f} | {rows['after'].median():.2f}"
        print(f"| {kind} | {found} of {number} | {scores} | {fixed.sum()} of {number} |")
    fixed = faults["after"] >= faults["reference"] - 0.02
    high = healthy["high"].fillna("") != ""
    for what, values in (("found", faults["found"]), ("fixed", fixed), ("healthy with a high finding", high)):
        chance = Chance(int(values.sum()), len(values))
        low, top = chance.interval
        print(f"{what}: {chance.failed} of {chance.networks}, {chance.share:.1%}, 95% CI [{low:.1%}, {top:.1%}]")


def main() -> None:
    """Run a part of the studies."""
    parser = argparse.ArgumentParser(description="Run the studies of docs/diagnosis.md.")
    parser.add_argument("command", choices=["calibrate", "table", "panel", "summary"])
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--networks", type=int, default=NETWORKS, help="random networks to train (calibrate)")
    parser.add_argument("--draws", type=int, default=10, help="networks with each fault (panel)")
    parser.add_argument("--healthy", type=int, default=14, help="healthy networks on each task (panel)")
    given = parser.parse_args()
    with standard_settings(), torch.no_grad():
        if given.command == "calibrate":
            records = []
            for record in calibrate(given.seed, given.networks):
                records.append(record)
                given.files[0].write_bytes(pickle.dumps(records))
        elif given.command == "table":
            print_table([record for file in given.files for record in pickle.loads(file.read_bytes())])
        elif given.command == "panel":
            rows = []
            for row in run_panel(given.seed, given.draws, given.healthy):
                rows.append(row)
                pd.DataFrame(rows).to_csv(given.files[0], index=False)
        else:
            print_summary(pd.concat([pd.read_csv(file) for file in given.files]))


if __name__ == "__main__":
    main()
