"""The regret of policies that find a network to train, from runs of specs/long/policy_*.toml.

`python docs/policies.py RESULTS` prints the tables of docs/findings.md. Policies are played back from recorded
trainings: what a policy would have seen of a training up to a step is in the tables.
"""

import argparse
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t as student

from suite.catalog.measures import TRAINING
from suite.catalog.quantities import QUANTITIES
from suite.catalog.tasks import TwoKinks
from suite.results.folder import Results
from suite.runs.halving import Rung, cost_of, plan_rungs

SEEDS, REPLICATES, JUDGES = 10, 5, 20
"""Searches, replicates of each, and further replicates that judge what the searches find."""

BUDGET = 0.15
_SUBSETS = 200
"""Random subsets over which random policies are averaged."""

CONFIGURATION = ["depth", "activation", "initialization", "learning_rate"]
PREDICTORS = ("v3", "output_std", "input_gradient", "grad_norm", "log_synflow", "naswot", "ntk_condition")

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Recorded:
    """The trainings of all configurations on one task.

    Attributes:
        name: The task.
        family: Tasks of one family differ only in a parameter.
        steps: The recorded steps.
        validation: Scores on validation sets, (configurations, replicates, steps); -inf for diverged trainings.
        test: Mean test scores over the replicates that judge, (configurations).
        predictors: Means over random networks of quantities before training, (configurations), the larger the better.
    """

    name: str
    family: str
    steps: list[int]
    validation: Array
    test: Array
    predictors: dict[str, Array]

    @property
    def hard(self) -> bool:
        """Whether fewer than a fifth of the configurations are within 0.01 of the best."""
        return float((self.test >= self.test.max() - 0.01).mean()) < 0.2

    def scores(self, seed: int) -> Array:
        """Return what a search sees: mean validation scores, (configurations, steps)."""
        part = self.validation[:, seed * REPLICATES : (seed + 1) * REPLICATES]
        found: Array = part.mean(axis=1)
        return found


def read_tasks(results: Path) -> Iterator[Recorded]:
    """Yield the trainings on each task of the studies in a results folder."""
    for folder in sorted(file.parent for file in results.glob("policy_*/run.json")):
        results_of = Results(folder)
        frame, first = results_of.measurements, results_of.run["spec"]["measure"][TRAINING]["task"][0]["name"]
        keys = [key for key in ("task", "squares", "turns", "rings") if key in frame]
        trained = frame[frame["step"].notna()]
        groups = trained.groupby(keys, dropna=False, observed=True) if keys else [((), trained)]
        measured = frame[frame["step"].isna()]
        for values, rows in groups:
            known = pd.Series(list(values), dtype=object).dropna()
            stated = [f"{value:g}" if isinstance(value, float) else str(value) for value in known]
            name = " ".join(stated if "task" in keys else [first, *stated])
            yield _record(name, rows, measured)


def _record(name: str, trained: pd.DataFrame, measured: pd.DataFrame) -> Recorded:
    accuracy = "test_accuracy" in set(trained["quantity"])
    scored = "accuracy" if accuracy else "r2" if "test_r2" in set(trained["quantity"]) else "error"
    validation, test = (_array(trained, f"{part}_{scored}") for part in ("validation", "test"))
    if scored == "error":
        validation, test = (1 - error / TwoKinks.label_variance for error in (validation, test))
    final = test[:, -JUDGES:, -1]
    final = np.where(np.isnan(final), np.nanmin(final), final)  # a training that diverged found nothing
    steps = sorted(trained["step"].unique())
    validation = np.where(np.isnan(validation), -np.inf, validation)
    predictors = {key: _predictor(measured, trained, key) for key in PREDICTORS}
    family = re.sub(r"[ 0-9.]+$", "", name)
    return Recorded(name, family, [int(step) for step in steps], validation, final.mean(axis=1), predictors)


def _array(trained: pd.DataFrame, quantity: str) -> Array:
    """Return a quantity, (configurations, replicates, steps), with configurations in the order of their settings."""
    rows = trained[trained["quantity"] == quantity]
    table = rows.pivot_table(
        index=[*CONFIGURATION, "draw"], columns="step", values="value", observed=True, dropna=False
    ).dropna(how="all")
    shape = (-1, SEEDS * REPLICATES + JUDGES, table.shape[1])
    found: Array = table.to_numpy().reshape(shape)
    return found


def _predictor(measured: pd.DataFrame, trained: pd.DataFrame, quantity: str) -> Array:
    """Return the mean of a quantity over draws for each configuration, with the sign by which more is better."""
    rows = measured[(measured["quantity"] == quantity) & measured["layer"].isna()]
    means = rows.groupby(CONFIGURATION[:-1], observed=True)["value"].mean()
    order = trained[CONFIGURATION].drop_duplicates().sort_values(CONFIGURATION)
    places = pd.MultiIndex.from_frame(order[CONFIGURATION[:-1]])
    found: Array = QUANTITIES[quantity].sign * means.reindex(places).to_numpy()
    return np.where(np.isnan(found), -np.inf, found)


Choose = Callable[[Recorded, int, np.random.Generator], int]
"""A policy: the configuration that it selects on a task in a search."""


def train_all(task: Recorded, seed: int, generator: np.random.Generator) -> int:
    """Train all configurations fully."""
    return int(task.scores(seed)[:, -1].argmax())


def train_all_twice(task: Recorded, seed: int, generator: np.random.Generator) -> int:
    """Train all configurations fully, with two replicates each: a loop that one writes by hand."""
    return int(task.validation[:, seed * REPLICATES : seed * REPLICATES + 2, -1].mean(axis=1).argmax())


def search_randomly(task: Recorded, seed: int, generator: np.random.Generator) -> int:
    """Train a random part of the configurations fully."""
    scores = task.scores(seed)[:, -1]
    chosen = generator.choice(len(scores), max(1, int(BUDGET * len(scores))), replace=False)
    return int(chosen[scores[chosen].argmax()])


def halve_by(predictor: str | None, part: float = 0.5) -> Choose:
    """Return successive halving of the configurations with the best predictor, or of a random part."""

    def choose(task: Recorded, seed: int, generator: np.random.Generator) -> int:
        number = len(task.test)
        ties = generator.permutation(number)
        order = ties if predictor is None else ties[np.argsort(-task.predictors[predictor][ties], kind="stable")]
        return _halve(task, seed, order[: int(part * number)])

    return choose


def _halve(task: Recorded, seed: int, chosen: NDArray[np.int64]) -> int:
    """Play successive halving of some configurations at the budget of the whole set."""
    scores = task.scores(seed)
    for rung in rungs_of(task, len(chosen)):
        chosen = chosen[: rung.configurations]
        reached = scores[chosen, task.steps.index(rung.steps)]
        chosen = chosen[np.argsort(-reached, kind="stable")]
    return int(chosen[0])


def rungs_of(task: Recorded, configurations: int) -> list[Rung]:
    """Return the rungs of successive halving, at recorded steps, within the budget."""
    budget = max(1.0, BUDGET * len(task.test))
    planned = plan_rungs(configurations, task.steps[-1], budget)
    rungs = [Rung(rung.configurations, min(task.steps, key=lambda step: abs(step - rung.steps))) for rung in planned]
    while cost_of(rungs) > budget * task.steps[-1]:  # recorded steps are a little later than planned ones
        places = [place for place, rung in enumerate(rungs) if rung.configurations > 1]
        place = max(places, key=lambda number: (number > 0, rungs[number].configurations))
        rungs[place] = Rung(rungs[place].configurations - 1, rungs[place].steps)
    return rungs


def know_other_tasks(tasks: Sequence[Recorded]) -> Choose:
    """Return the policy that selects the configuration of the best mean rank on the tasks of other families."""

    def choose(task: Recorded, seed: int, generator: np.random.Generator) -> int:
        ranks = [other.test.argsort().argsort() for other in tasks if other.family != task.family]
        return int(np.mean(ranks, axis=0).argmax())

    return choose


def regrets(tasks: Sequence[Recorded], choose: Choose, times: int) -> Array:
    """Return the regret of a policy, (tasks, seeds), averaged over random choices."""
    found = np.zeros((len(tasks), SEEDS))
    for row, task in enumerate(tasks):
        for seed in range(SEEDS):
            best = task.test[train_all(task, seed, np.random.default_rng(0))]
            generators = [np.random.default_rng([seed, number]) for number in range(times)]
            found[row, seed] = best - np.mean([task.test[choose(task, seed, each)] for each in generators])
    return found


def interval(values: Array) -> str:
    """Format a mean over seeds with its 95% interval."""
    half = student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
    return f"{values.mean():.3f} [{values.mean() - half:.3f}, {values.mean() + half:.3f}]"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python docs/policies.py", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("results", type=Path, help="results folder with the runs of specs/long/policy_*.toml")
    tasks = list(read_tasks(parser.parse_args(arguments).results))
    policies: dict[str, tuple[Choose, int]] = {
        "random search": (search_randomly, _SUBSETS),
        "successive halving": (halve_by(None, 1.0), _SUBSETS),
        "halving of a random half": (halve_by(None), _SUBSETS),
        **{f"halving of the better half by {key}": (halve_by(key), 20) for key in PREDICTORS},
        "all fully, two replicates": (train_all_twice, 1),
    }
    if len({task.family for task in tasks}) > 1:
        policies["best on other tasks, no training"] = know_other_tasks(tasks), 1
    found = {name: regrets(tasks, choose, times) for name, (choose, times) in policies.items()}
    for line in (*by_task(tasks, found), "", *by_policy(tasks, found)):
        print(line)


def by_task(tasks: Sequence[Recorded], found: Mapping[str, Array]) -> Iterator[str]:
    """Yield a table with a row for each task."""
    yield "| task | within 0.01 of the best | best score | noise of validation | random search | successive halving |"
    yield "|---|---|---|---|---|---|"
    for row, task in enumerate(tasks):
        best = int(task.test.argmax())
        noise = np.std([task.scores(seed)[best, -1] for seed in range(SEEDS)], ddof=1)
        near = (task.test >= task.test.max() - 0.01).mean()
        cells = [found[name][row].mean() for name in ("random search", "successive halving")]
        kind = "hard" if task.hard else "easy"
        values = " | ".join(f"{value:.3f}" for value in (task.test.max(), noise, *cells))
        yield f"| {task.name} ({kind}) | {near:.0%} | {values} |"


def by_policy(tasks: Sequence[Recorded], found: Mapping[str, Array]) -> Iterator[str]:
    """Yield a table with a row for each policy: its regret, and what it saves against random search and halving."""
    yield "| policy | regret, hard tasks | regret, easy tasks | less than successive halving, all tasks |"
    yield "|---|---|---|---|"
    hard = np.array([task.hard for task in tasks])
    plain = found["successive halving"]
    for name, values in found.items():
        parts = [interval(values[kind].mean(axis=0)) if kind.any() else "" for kind in (hard, ~hard)]
        gain = interval((plain - values).mean(axis=0)) if name != "successive halving" else ""
        yield f"| {name} | {' | '.join(parts)} | {gain} |"
    if hard.any():
        difference = found["random search"][hard].mean(axis=0) / 2 - plain[hard].mean(axis=0)
        yield ""
        yield f"Half of random search's regret less that of successive halving, hard tasks: {interval(difference)}"


if __name__ == "__main__":
    main()
