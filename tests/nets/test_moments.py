"""Root mean square and standard deviation of outputs of any size."""

import pytest
import torch

from suite.nets.moments import output_moments


def _outputs(dtype: torch.dtype) -> torch.Tensor:
    return torch.randn(4, 2, 500, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_outputs_of_usual_size_have_the_plain_values(dtype: torch.dtype) -> None:
    """The root mean square to the bit, the standard deviation to rounding, and exactly 0 for equal outputs."""
    outputs = _outputs(dtype)

    rms, std = output_moments(outputs)

    assert torch.equal(rms, outputs.square().mean((1, 2)).sqrt())
    torch.testing.assert_close(std, outputs.var(dim=2, correction=0).mean(1).sqrt())
    assert not output_moments(outputs[..., :1].expand(-1, -1, 1089)).std.any()


@pytest.mark.parametrize(("dtype", "scale"), [(torch.float32, 2.0**100), (torch.float64, 2.0**900)])
@pytest.mark.parametrize("sign", [1, -1])
def test_squares_neither_overflow_nor_underflow(dtype: torch.dtype, scale: float, sign: int) -> None:
    """A power of two multiplies both by itself, to the bit; draws of usual size beside it stay as they are."""
    outputs, factor = _outputs(dtype), scale**sign
    large = outputs.clone()
    large[:2] *= factor

    plain, scaled = output_moments(outputs), output_moments(large)

    for one, other in zip(plain, scaled, strict=True):
        assert torch.equal(one[:2] * factor, other[:2])
        assert torch.equal(one[2:], other[2:])


def test_outputs_that_are_not_finite_have_no_finite_values() -> None:
    """And outputs of 0 are of size 0."""
    outputs = _outputs(torch.float64)
    outputs[0, 0, 0], outputs[1, 0, 0], outputs[2] = torch.inf, torch.nan, 0.0

    rms, std = output_moments(outputs)

    assert rms.isfinite().tolist() == std.isfinite().tolist() == [False, False, True, True]
    assert float(rms[2]) == float(std[2]) == 0
