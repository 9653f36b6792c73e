"""Recommend a network to train on a data file, by successive halving over a spec's members and learning rates."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np
import torch

from suite.catalog.datasets import Dataset, Split
from suite.catalog.measures.training import AccuracySettings
from suite.catalog.shown import shown
from suite.formatting import format_count, format_duration
from suite.nets.export import make_module, training_code
from suite.nets.streams import stream
from suite.nets.torch_settings import standard_settings
from suite.report.recommendation import LinearScore, render_recommendation
from suite.results.files import write_text
from suite.runs.explain import format_widths
from suite.runs.halving import Configuration, Rung, default_budget, halve, plan_rungs
from suite.runs.scoring import Score, fit_linear_until, score_linear, score_on_test
from suite.spec.changes import Change, file_tasks
from suite.spec.load import Study, load_studies
from suite.spec.members import Member
from suite.spec.read import read_toml
from suite.spec.recommendation import DataOptions, is_unedited, recommendation_text
from suite.training.datasets import moments_of
from suite.training.networks import draw_networks
from suite.training.tasks import Data, make_data

if TYPE_CHECKING:
    import pandas as pd

_PARAMETERS = 10_000
"""Default number of parameters of each network."""

_SCREENING_POINTS = 2_000
"""Largest number of training points at which networks are evaluated before training."""

_FAILING = 0.5
"""A member is dropped if this share of its networks cannot train."""

_LARGEST_OUTPUT = 1e4
"""Root mean square of the outputs from which a network explodes."""

_LINEAR_SHARE = 0.2
"""Largest share of the time that is spent on the linear model."""

_LONGEST_STEM = 60
"""Longest part of a data file's name that becomes part of a study's."""

_SCORES = {False: ("validation_accuracy", "test_accuracy"), True: ("validation_r2", "test_r2")}
"""The columns of scores, by whether the task is a regression."""

Announce = Callable[[str], None]
"""Called with a line that says what is being done."""


@dataclass(frozen=True, repr=False)
class Recommendation:
    """The outcome of `recommend`.

    Attributes:
        study: The study whose members and learning rates took part.
        leaderboard: One row per configuration that was trained, the best first.
        dropped: One row per member that was dropped before training, with the reason.
        rungs: The stages of successive halving.
        steps: The number of steps that were trained in all, over configurations; each is made by all replicates.
        full_steps: The number of steps of full trainings of all configurations.
        seconds: The time taken.
        finished: Whether all stages were finished within the time.
        best: The best configuration.
        linear: The scores of a linear model, for comparison; None if there was no time for it.
    """

    study: Study
    leaderboard: "pd.DataFrame"
    dropped: "pd.DataFrame"
    rungs: tuple[Rung, ...]
    steps: int
    full_steps: int
    seconds: float
    finished: bool
    best: Configuration
    linear: LinearScore | None

    def __repr__(self) -> str:
        return f"Recommendation({self.study.spec.name!r}, best={self.best.member.name!r}, steps={self.steps:,})"

    @property
    def summary(self) -> list[str]:
        """What was compared, what was dropped, and what it cost, in a few lines."""
        training = self.study.spec.training
        assert training is not None
        task, facts = task_of(self.study), task_of(self.study).facts
        what = "regression of" if task.regression else f"{len(facts.classes)} classes of"
        lines = [f"{what} {', '.join(facts.targets)} from {format_count(len(facts.inputs), 'input')}"]
        if not task.regression:
            lines[0] += f"; a constant output has an accuracy of {self._constant:.3f}"
        members, rates = format_count(len(self.study.members), "member"), len(training.optimizer)
        lines.append(f"{members} at {format_count(rates, 'learning rate')}, {training.replicates} replicates each")
        for reason, rows in self.dropped.groupby("reason"):
            members = "; ".join(
                f"{row.activation}, depth {row.depth}, {row.initialization}" for row in rows.itertuples()
            )
            lines.append(f"dropped before training, since {reason}: {members}")
        stages = ", ".join(f"{rung.configurations} for {rung.steps:,} steps" for rung in self.rungs)
        share = self.steps / self.full_steps
        lines.append(f"successive halving: {stages}")
        full = self.full_steps // training.steps
        if (left := full - self.rungs[0].configurations) > 0:
            lines.append(
                f"{left} of {full} configurations, chosen at random, were left out to spend more on the others"
            )
        lines.append(f"{share:.0%} of the steps of full trainings of all, {format_duration(self.seconds)}")
        tested = self.leaderboard.iloc[0][_SCORES[task.regression][1]]
        if round(tested, 3) <= (0 if task.regression else round(self._constant, 3)):
            lines.append("the best network is no better than a constant output on the test set")
        if not self.finished:
            lines.append("stopped early, because the time was over: configurations have different numbers of steps")
        return lines

    @property
    def _constant(self) -> float:
        """The share of the rows in the largest class."""
        facts = task_of(self.study).facts
        return max(facts.rows_by_class) / facts.rows

    def report(self, path: str | Path) -> Path:
        """Write a page with the leaderboard, the members that were dropped, and the code to train the best network."""
        title = self.study.spec.title
        write_text(Path(path), render_recommendation(title, self.leaderboard, self.linear, self.summary, self.code()))
        return Path(path)

    @property
    def inputs(self) -> list[str]:
        """The columns that networks get, in their order: numbers, then one, COLUMN=VALUE, for each category."""
        return list(task_of(self.study).facts.inputs)

    @property
    def classes(self) -> list[str]:
        """The classes, as text, in the order of the outputs; of two, the one output is the logit of the second."""
        return list(task_of(self.study).facts.classes)

    def network(self) -> torch.nn.Sequential:
        """Return the best configuration's trained network, of the replicate with the best validation score.

        It was trained on that replicate's training set. It takes the columns `inputs` of the file without
        standardization, which is part of its first layer: numbers as they are, and 0 and 1 for categories. It returns
        logits of `classes`, or the targets of a regression in their own units.
        """
        task, seed = task_of(self.study), self.study.spec.seed
        replicate = int(np.argmax(self.best.validation))
        with standard_settings(), torch.no_grad():
            return make_module(self.best.trained[replicate : replicate + 1], *moments_of(task, seed, replicate))

    def code(self) -> str:
        """Return PyTorch code that builds, initializes and trains such a network; empty if a few lines cannot."""
        assert self.study.spec.training is not None
        task = task_of(self.study)
        code = training_code(self.best.member, self.best.optimizer, task, self.study.spec.training.steps)
        lines = [f"Columns of x: {', '.join(map(shown, self.inputs))}."]
        if self.classes:
            lines.append(f"Classes: {', '.join(f'{place} {shown(name)}' for place, name in enumerate(self.classes))}.")
        wrapped = [line for text in lines for line in wrap(text, 118, initial_indent="# ", subsequent_indent="# ")]
        return "\n".join([*wrapped, code]) if code else ""


def task_of(study: Study) -> Dataset:
    """Return the table that a study trains on.

    Raises:
        ValueError: If there is not exactly one.
    """
    tasks = study.spec.training.task if study.spec.training else ()
    if len(tasks) != 1 or not isinstance(tasks[0], Dataset):
        raise ValueError(f"{study.spec.name}: expected one task that names a file; write [measure.accuracy] with one")
    return tasks[0]


def study_of_file(file: Path, options: DataOptions, parameters: int | None, spec: Path | None, results: Path) -> Study:
    """Return the study that compares networks on a data file, and write its spec unless one is given.

    Args:
        file: The data file.
        options: The columns.
        parameters: The number of parameters of each network. Default: 10,000.
        spec: A spec to use; its table is replaced by the file, and its test set is fixed.
        results: The results folder, in which the spec is written.

    Raises:
        SpecError: If the file or the spec has errors.
        ValueError: If the spec has no table, or a spec that was edited is at the place of the new one.
    """
    if spec is not None:
        if options != DataOptions() or parameters is not None:
            raise ValueError("with a spec, it names the columns and the networks; set target and parameters there")
        _, content = read_toml(spec)
        tables = list(file_tasks(content))
        if len(tables) != 1:
            raise ValueError(f"{spec}: expected one task that names a file; write [measure.accuracy] with one")
        ((place, table),) = tables
        fixed = Change((*place, "fixed_test"), True, text=f"{'.'.join(map(str, place))}.fixed_test=true")
        (study,) = load_studies([spec], [fixed], {Path(table["file"]).stem: file})
        own = (spec.parent / table["file"]).resolve() == file.resolve()
        name = spec.stem if own else f"{spec.stem}-{_name_of(file)}"
        return replace(study, spec=study.spec.model_copy(update={"name": name}))
    name = f"recommend-{_name_of(file)}"
    written = results / name / f"{name}.toml"
    text = recommendation_text(file, options, parameters or _PARAMETERS, written.parent)
    if written.exists() and not is_unedited(written.read_text(encoding="utf-8")):
        raise ValueError(f"{written} exists and was edited; use --spec {written}, another --results, or remove it")
    write_text(written, text)
    (study,) = load_studies([written])
    return study


def _name_of(file: Path) -> str:
    """Return a data file's name as a part of a study's; it has a digest if it is no valid name by itself."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", file.stem)[:_LONGEST_STEM].strip("-")
    digest = sha256(file.stem.encode()).hexdigest()[:6] if plain != file.stem else ""
    return "-".join(filter(None, (plain, digest)))


def write_recommendation(found: "Recommendation", results: Path) -> Path:
    """Write the tables, the page and the code of a recommendation into its results folder, and return that folder."""
    folder = results / found.study.spec.name
    write_text(folder / "leaderboard.csv", found.leaderboard.to_csv(index=False))
    write_text(folder / "dropped.csv", found.dropped.to_csv(index=False))
    if found.linear is not None:
        write_text(
            folder / "linear.csv", ",".join(found.linear._fields) + "\n" + ",".join(map(str, found.linear)) + "\n"
        )
    else:
        (folder / "linear.csv").unlink(missing_ok=True)
    if code := found.code():
        write_text(folder / "train.py", code)
    else:
        (folder / "train.py").unlink(missing_ok=True)
    found.report(folder / "recommendation.html")
    return folder


def recommend_network(
    study: Study, trainings: float | None = None, seconds: float | None = None, announce: Announce | None = None
) -> Recommendation:
    """Train a study's members at all its learning rates by successive halving, and rank them.

    Members of which half of the networks are constant or explode on the training points are dropped first.
    Configurations are compared on validation data. The test data are used once, for those that were trained for the
    most steps.

    Args:
        study: The study. It trains on one table, whose test set is fixed.
        trainings: The budget, in full trainings. Default: 15% of the configurations, at least 6.
        seconds: The time after which it stops with what it has.
        announce: Called with a line before each stage.

    Raises:
        ValueError: If the study has no such task, or no member can train.
    """
    began = time.monotonic()
    until = np.inf if seconds is None else began + seconds
    task, settings, seed = task_of(study), study.spec.training, study.spec.seed
    assert settings is not None
    if not task.fixed_test and isinstance(task.split, Split):
        raise ValueError("replicates have different test sets; set fixed_test = true in the task")
    say = announce or (lambda line: None)
    with standard_settings(), torch.no_grad():
        data = make_data(task, seed, 0, settings.replicates)
        say(f"evaluating {len(study.members)} members before training")
        reasons = {member.name: _reason_to_drop(member, data, seed) for member in study.members}
    configurations = _configurations(study, settings, reasons)
    if not configurations:
        raise ValueError("no member can train: " + "; ".join(sorted({why for why in reasons.values() if why})))
    say("fitting a linear model")
    with standard_settings(), torch.no_grad():
        models = fit_linear_until(data, began + _LINEAR_SHARE * (until - began))
    full = len(configurations) * settings.steps
    budget = default_budget(len(configurations)) if trainings is None else trainings
    rungs = plan_rungs(len(configurations), settings.steps, budget)
    finished = halve(
        configurations,
        data,
        rungs,
        seed,
        until,
        lambda number, done, of: say(
            f"stage {number}/{len(rungs)}, up to step {rungs[number - 1].steps}: {done}/{of} configurations"
        ),
    )
    trained = sorted((each for each in configurations if each.steps), key=lambda each: (-each.steps, each.rank))
    if not trained:
        raise ValueError("the time was over before any network was trained; allow more seconds")
    if not np.isfinite(trained[0].validation).any():
        raise ValueError("all trainings diverged; lower the learning rates of the spec")
    with standard_settings(), torch.no_grad():
        models = fit_linear_until(data, until) if models is None else models
        tested = score_on_test(trained, data)
        linear = None if models is None else score_linear(models, trained[0], data)
    return Recommendation(
        study=study,
        leaderboard=_tabulate(trained, tested, task),
        dropped=_tabulate_dropped(study, reasons),
        rungs=tuple(rungs),
        steps=sum(each.steps for each in configurations),
        full_steps=full,
        seconds=time.monotonic() - began,
        finished=finished,
        best=trained[0],
        linear=linear,
    )


def _reason_to_drop(member: Member, data: Data, seed: int) -> str:
    """Return why a member cannot train, judged by its networks on their training points; empty if it can."""
    replicates = len(data.train.inputs)
    networks = draw_networks(member, seed, 0, replicates, data)
    constant = exploding = 0
    for draw in range(replicates):
        outputs = networks[draw : draw + 1](data.train.inputs[draw, :, :_SCREENING_POINTS])
        size = outputs.square().mean().sqrt()
        constant += bool((outputs.amax(2) == outputs.amin(2)).all())
        exploding += not bool(size < _LARGEST_OUTPUT)  # also if it is not finite
    for number, what in ((constant, "have a constant output"), (exploding, f"have outputs above {_LARGEST_OUTPUT:g}")):
        if number >= _FAILING * replicates:
            return f"{number} of {replicates} networks {what}"
    return ""


def _configurations(study: Study, settings: AccuracySettings, reasons: Mapping[str, str]) -> list[Configuration]:
    """Return all configurations of members that can train, in a random order that the seed determines."""
    found = [
        Configuration(member, optimizer)
        for member in study.members
        for optimizer in settings.optimizer
        if not reasons[member.name]
    ]
    order = stream(study.spec.seed, recommendation=True).permutation(len(found))
    return [found[place] for place in order]


def _tabulate(trained: Sequence[Configuration], tested: Mapping[int, Score], task: Dataset) -> "pd.DataFrame":
    """Return the leaderboard, the best configuration first."""
    import pandas as pd  # noqa: PLC0415  # needs pandas as few modules of this package do

    validation, test = _SCORES[task.regression]
    rows = []
    for place, each in enumerate(trained):
        found = tested.get(place)
        rows.append(
            {
                "member": each.member.name,
                "depth": each.member.depth,
                "widths": format_widths(each.member.widths),
                "activation": each.member.activation.label,
                "initialization": each.member.initialization.label,
                "learning_rate": each.optimizer.learning_rate,
                validation: float(each.validation.mean()),
                test: found.test if found else np.nan,
                "ci_low": found.ci_low if found else np.nan,
                "ci_high": found.ci_high if found else np.nan,
                "tied_with_best": found.tied if found else pd.NA,
                "parameters": each.member.parameters,
                "steps": each.steps,
            }
        )
    return pd.DataFrame(rows).astype({"tied_with_best": "boolean"})


def _tabulate_dropped(study: Study, reasons: Mapping[str, str]) -> "pd.DataFrame":
    """Return the members that were dropped before training."""
    import pandas as pd  # noqa: PLC0415  # as above

    rows = [
        (member.name, member.depth, member.activation.label, member.initialization.label, reasons[member.name])
        for member in study.members
        if reasons[member.name]
    ]
    return pd.DataFrame(rows, columns=["member", "depth", "activation", "initialization", "reason"])
