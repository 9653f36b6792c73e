"""Mean-field theory of a whole network: its variances, its fixed point and its depth scales."""

from math import nan

import numpy as np

from suite.catalog.initializations import Critical, Orthogonal, VariancePreserving
from suite.catalog.measures.signal import CorrelationSettings, JacobianSettings
from suite.catalog.network import Network
from suite.theory.correlation_map import depth_scales
from suite.theory.mean_field import NoCriticalPointError, edge_of_chaos, fixed_point, variance_map_slope
from suite.theory.scaling import resolve_scheme


def hidden_variances(network: Network) -> tuple[float, float] | None:
    """Return (sigma_w^2, sigma_b^2) of the hidden layers; None if layers differ, or mean-field theory does not hold."""
    hidden = set(network.variances[:-1])
    return next(iter(hidden)) if len(hidden) == 1 and network.initialization.mean_field else None


def stationary_variance(network: Network) -> float:
    """Return q*, the fixed point of the network's variance map; nan if there is none."""
    scheme = resolve_scheme(network.initialization, network.activation)
    if isinstance(scheme, Critical | Orthogonal) and not network.activation.homogeneous:
        try:
            return edge_of_chaos(network.activation, scheme.bias_std**2).fixed_point
        except NoCriticalPointError:
            return nan
    if isinstance(scheme, VariancePreserving) and not network.activation.homogeneous:
        return 1.0
    variances = hidden_variances(network)
    return nan if variances is None else fixed_point(network.activation, *variances)


def input_variance(network: Network, settings: CorrelationSettings | JacobianSettings) -> float:
    """Return |x|^2 / n_0 of a pair of inputs: the spec's value, or q*, or 1 if q* is 0 or undefined."""
    if settings.input_variance is not None:
        return settings.input_variance
    q = stationary_variance(network)
    return q if q > 0 else 1.0


def mean_field_facts(network: Network) -> dict[str, float | None]:
    """Return q*, V'(q*), chi_1, c* and the depth scales of a network; None where one is undefined."""
    variances = hidden_variances(network)
    q = stationary_variance(network) if network.plain else nan
    names = ("fixed_point", "stability", "chi", "correlation_fixed_point", "xi_q", "xi_c")
    if variances is None or np.isnan(q):
        return dict.fromkeys(names)
    stability = variance_map_slope(network.activation, q, variances[0])
    scales = depth_scales(network.activation, *variances, q)
    values = (q, stability, scales.chi, scales.correlation, scales.xi_q, scales.xi_c)
    return {name: value if np.isfinite(value) else None for name, value in zip(names, values, strict=True)}
