"""Trainability: whether random networks have the active neurons that they need to learn a task."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.death import TrainabilitySettings
from suite.catalog.task import Task
from suite.nets.death import dead_on_domain, dead_on_points
from suite.nets.ensemble import Ensemble
from suite.nets.sample import Sample


class TaskAt(NamedTuple):
    """A task and its inputs.

    Attributes:
        task: The task to learn.
        inputs: Sample of the box from which the task draws its points. If the task has a fixed data set, the training
            points of each draw.
    """

    task: Task
    inputs: Sample | Float[Tensor, "draws inputs points"]


def trainability(
    ensemble: Ensemble, domain: TaskAt, settings: TrainabilitySettings
) -> dict[str, Float[Tensor, " draws"]]:
    """Test whether each draw has the active neurons that it needs to learn the task.

    The frequency of such draws is an upper bound for the success rate of training. A network with one hidden layer of
    ReLU, whose dead neurons stay dead, needs at least m* neurons that are active on the task's inputs. m* is the
    smallest number of neurons with which the task can be learned. Deeper networks and networks with other activations
    must not be born dead; a single active neuron per layer is enough, since it can feed many. Weight decay also
    changes dead neurons, so it can violate the bound.

    Args:
        ensemble: Networks without normalization or residual connections, in the precision of
            `settings.dtype`.
        domain: The task and its inputs. Dead neurons are determined as in `dead_neurons`.
        settings: Not used.

    Returns:
        `trainability`, 0 or 1 per draw.

    Source: Shin & Karniadakis 2019, arXiv:1907.09696.
    """
    inputs = domain.inputs
    dead = dead_on_domain(ensemble, inputs) if isinstance(inputs, Sample) else dead_on_points(ensemble, inputs)
    counted = ensemble.depth == 1 and ensemble.activation.rectifies
    needed = domain.task.neurons if counted else 1
    able = (~dead[0]).sum(1) >= needed
    for layer in dead[1:]:
        able &= ~layer.all(1)
    return {"trainability": able.to(ensemble.parameters.dtype)}
