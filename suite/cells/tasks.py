"""Tasks: the cells that a worker computes together, and the order of tasks."""

from collections import defaultdict
from collections.abc import Sequence
from math import log2

from suite.cells.cell import Cell

Task = tuple[Cell, ...]
"""Cells of one seed and member that a worker computes together, so that it draws their networks once."""

Kind = tuple[str, int]
"""What similar cells share: the measure, and the cost to the nearest power of two, as its exponent."""

_SAMPLED = 4
"""One in this number of similar cells is computed first."""


def tasks_of(cells: Sequence[Cell]) -> list[Task]:
    """Divide cells into tasks.

    Drawing networks often takes longer than measuring their response to one or two inputs. Such cells join the
    costliest cell that measures the same draws; all others are tasks of their own.
    """
    largest: dict[tuple[object, ...], Cell] = {}
    for cell in cells:
        if not cell.trains and (_draws_of(cell) not in largest or cell.cost > largest[_draws_of(cell)].cost):
            largest[_draws_of(cell)] = cell
    tasks: dict[str, Task] = {}
    for cell in cells:
        joined = largest[_draws_of(cell)] if cell.is_mostly_drawing else cell
        tasks[joined.key] = (*tasks.get(joined.key, ()), cell)
    return list(tasks.values())


def in_order(tasks: Sequence[Task]) -> list[Task]:
    """Return tasks in the order in which they start.

    A quarter of all similar cells come first, so that their times predict those of the others. Then the costliest
    tasks come first, so that all workers finish at about the same time. Tasks of about equal cost are in the order of
    their keys, which are random: those that are done represent the others, of all depths.
    """
    similar = defaultdict[Kind, list[Task]](list)
    for task in sorted(tasks, key=_key):
        similar[kind_of(_costliest(task))].append(task)
    sample = {_key(task) for group in similar.values() for task in group[: -(-len(group) // _SAMPLED)]}
    return sorted(tasks, key=lambda task: (_key(task) not in sample, -_power(sum(c.cost for c in task)), _key(task)))


def kind_of(cell: Cell) -> Kind:
    """Return what a cell shares with similar cells."""
    return cell.name, _power(cell.cost)


def _power(cost: float) -> int:
    return round(log2(max(cost, 1.0)))


def _key(task: Task) -> str:
    return _costliest(task).key


def _costliest(task: Task) -> Cell:
    return max(task, key=lambda cell: cell.cost)


def _draws_of(cell: Cell) -> tuple[object, ...]:
    """Return what identifies the networks of a cell that does not train them."""
    return id(cell.member), cell.seed, cell.start, cell.stop
