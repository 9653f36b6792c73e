"""Trainability: how likely a random network has the live neurons without which it cannot learn its task."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from suite.catalog.activations import Relu
from suite.catalog.measures.death import TrainabilitySettings
from suite.catalog.tasks import Task
from suite.nets.death import dead_on_domain, dead_on_points
from suite.nets.ensemble import Ensemble
from suite.nets.sample import Sample


class TaskAt(NamedTuple):
    """A task, and where its inputs lie.

    Attributes:
        task: what is to be learned.
        inputs: a sample of the box that its points are drawn from; each draw's training points where it is data.
    """

    task: Task
    inputs: Sample | Float[Tensor, "draws inputs points"]


def trainability(
    ensemble: Ensemble, domain: TaskAt, settings: TrainabilitySettings
) -> dict[str, Float[Tensor, " draws"]]:
    """Whether each draw has what the task needs: its frequency bounds the success rate of training from above.

    With one hidden layer of ReLU, whose dead neurons stay dead, at least m* of its neurons must be active on
    the task's inputs, m* being the fewest with which the task can be learned. Deeper networks, and other
    activations, must not be born dead, since one live neuron feeds many. Weight decay moves dead neurons too,
    and so may break the bound.

    Args:
        ensemble: plain networks in the precision of `settings.dtype`.
        domain: the task and where its inputs lie; death is decided as for dead neurons.
        settings: none that matter here.

    Returns:
        `trainability`, 0 or 1 a draw.

    Source: Shin & Karniadakis 2019, arXiv:1907.09696.
    """
    inputs = domain.inputs
    dead = dead_on_domain(ensemble, inputs) if isinstance(inputs, Sample) else dead_on_points(ensemble, inputs)
    counted = ensemble.depth == 1 and isinstance(ensemble.activation, Relu)
    needed = domain.task.neurons if counted else 1
    able = (~dead[0]).sum(1) >= needed
    for layer in dead[1:]:
        able &= ~layer.all(1)
    return {"trainability": able.to(ensemble.parameters.dtype)}
