"""The random networks of a member, which training starts from and measures evaluate."""

from jaxtyping import Float
from torch import Tensor

from suite.catalog.initializations import DataDependent
from suite.nets.data_dependent import activate_at_data
from suite.nets.ensemble import Ensemble
from suite.nets.initialization import draw_parameters
from suite.spec.members import Member
from suite.training.tasks import Data


def draw_networks(
    member: Member, seed: int, start: int, stop: int, data: Data | None = None, drawn: Tensor | None = None
) -> Ensemble:
    """Return networks `start` to `stop` of a member, in float32 on the CPU.

    Args:
        member: The member.
        seed: Seed of the study.
        start: The first draw.
        stop: One past the last draw.
        data: The data of these replicates, on which a data-dependent initialization depends.
        drawn: The parameters before they are adapted to data, if they were drawn before.
    """
    parameters = draw_member(member, seed, start, stop) if drawn is None else drawn
    if isinstance(member.initialization, DataDependent):
        assert data is not None
        parameters = parameters.clone()  # the data, and with them these networks, depend on the task
        noise_std = member.initialization.noise_std
        activate_at_data(parameters, member.widths, data.train.inputs, noise_std, seed, member.content, start)
    return ensemble_of(member, parameters)


def ensemble_of(member: Member, parameters: Float[Tensor, "draws parameters"]) -> Ensemble:
    """Return networks of a member that have these parameters."""
    return Ensemble(
        member.widths, member.activation, member.variances, parameters, member.normalization, member.residual
    )


def draw_member(member: Member, seed: int, start: int, stop: int) -> Tensor:
    """Return the parameters of networks `start` to `stop`, before any are adapted to data, (draws, parameters)."""
    return draw_parameters(
        member.initialization,
        member.widths,
        member.variances,
        seed,
        member.content,
        start,
        stop,
        normalized=member.normalized,
    )
