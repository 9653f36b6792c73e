"""What theory and checks need to know of a network: its architecture and how its weights are drawn."""

from typing import Protocol

from suite.catalog.activations import Activation
from suite.catalog.initializations import Initialization


class Network(Protocol):
    """An MLP, as far as theory and checks look at it.

    Attributes:
        widths: n_0 .. n_{L+1}, inputs and outputs at the ends.
        activation: of the hidden layers.
        initialization: the scheme that the weights are drawn by.
        variances: (sigma_w^2, sigma_b^2) of each layer, the readout last.
        normalization: of the hidden layers' preactivations: none, batch or layer.
        residual: whether hidden layers have residual connections.
        depth: number of hidden layers.
        parameters: number of parameters.
        plain: whether it is an MLP without normalization or residual connections.
    """

    @property
    def widths(self) -> tuple[int, ...]:
        """Return n_0 .. n_{L+1}."""

    @property
    def activation(self) -> Activation:
        """Return the activation of the hidden layers."""

    @property
    def initialization(self) -> Initialization:
        """Return the scheme that the weights are drawn by."""

    @property
    def variances(self) -> tuple[tuple[float, float], ...]:
        """Return (sigma_w^2, sigma_b^2) of each layer."""

    @property
    def normalization(self) -> str:
        """Return what hidden layers are normalized over: none, batch or layer."""

    @property
    def residual(self) -> bool:
        """Return whether hidden layers have residual connections."""

    @property
    def depth(self) -> int:
        """Return the number of hidden layers."""

    @property
    def parameters(self) -> int:
        """Return the number of parameters."""

    @property
    def plain(self) -> bool:
        """Return whether there is neither normalization nor a residual connection."""
