"""The properties of a network that theory and checks use: its architecture and initialization."""

from typing import Protocol

from suite.catalog.activations import Activation
from suite.catalog.initializations import Initialization


class Network(Protocol):
    """An MLP with the properties that theory and checks use.

    Attributes:
        widths: n_0 .. n_{L+1}, inputs and outputs at the ends.
        activation: The activation of the hidden layers.
        initialization: The scheme by which the weights are drawn.
        variances: (sigma_w^2, sigma_b^2) of each layer, the readout last.
        normalization: The normalization of the hidden layers' preactivations: none, batch or layer.
        residual: Whether hidden layers have residual connections.
        depth: The number of hidden layers.
        parameters: The number of parameters.
        plain: Whether it is an MLP without normalization or residual connections.
    """

    @property
    def widths(self) -> tuple[int, ...]:
        """The widths n_0 .. n_{L+1}."""

    @property
    def activation(self) -> Activation:
        """The activation of the hidden layers."""

    @property
    def initialization(self) -> Initialization:
        """The scheme by which the weights are drawn."""

    @property
    def variances(self) -> tuple[tuple[float, float], ...]:
        """(sigma_w^2, sigma_b^2) of each layer."""

    @property
    def normalization(self) -> str:
        """The normalization of the hidden layers: none, batch or layer."""

    @property
    def residual(self) -> bool:
        """Whether hidden layers have residual connections."""

    @property
    def depth(self) -> int:
        """The number of hidden layers."""

    @property
    def parameters(self) -> int:
        """The number of parameters."""

    @property
    def plain(self) -> bool:
        """Whether there is neither normalization nor a residual connection."""
