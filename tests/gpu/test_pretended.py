"""The pretended GPU allows and refuses what CUDA does, and gives the numbers of the CPU."""

from collections.abc import Callable
from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.gpu.pretended import PretendedGpu

VALUES = [[1.0, -2.0, 3.0], [4.0, 0.5, -6.0]]


@pytest.fixture
def gpu():
    with PretendedGpu() as gpu:
        yield gpu


def here() -> Tensor:
    return torch.tensor(VALUES)


def there() -> Tensor:
    return torch.tensor(VALUES, device="cuda")


def scalar() -> Tensor:
    return torch.tensor(2.0)


ON_THE_GPU: dict[str, Callable[[], Tensor]] = {
    "zeros": lambda: torch.zeros(2, device="cuda"),
    "full": lambda: torch.full((2,), 1.0, device=torch.device("cuda", 0)),
    "arange": lambda: torch.arange(3, device="cuda:0"),
    "linspace": lambda: torch.linspace(0, 1, 3, device="cuda"),
    "as_tensor": lambda: torch.as_tensor(here(), device="cuda"),
    "to a device": lambda: here().to("cuda"),
    "to a device and a dtype": lambda: here().to("cuda", torch.float64),
    "to a device by its name": lambda: here().to(dtype=torch.float64, device="cuda"),
    "to another's": lambda: here().to(there()),
    "cuda()": lambda: here().cuda(),
    "a module": lambda: torch.nn.PReLU().cuda().weight,
    "deepcopy": lambda: deepcopy(there()),
    "zeros_like": lambda: torch.zeros_like(there()),
    "new_tensor": lambda: there().new_tensor([1.0]),
    "new_zeros": lambda: there().new_zeros(2),
    "view": lambda: there()[:, 1].view(2, 1),
    "sum with a scalar of the CPU": lambda: there() + scalar(),
    "where with a number": lambda: torch.where(there() > 0, there(), 0.5),
    "where with a scalar of the CPU": lambda: torch.where(there() > 0, there(), scalar()),
    "addcmul with a scalar of the CPU": lambda: torch.addcmul(there(), there(), scalar()),
    "index of the CPU": lambda: there()[:, torch.tensor([0, 2])],
    "mask of the CPU": lambda: there()[here() > 0],
    "mask": lambda: there()[there() > 0],
    "one_hot": lambda: torch.nn.functional.one_hot(torch.arange(3, device="cuda"), 3),
    "diff": lambda: torch.diff(there()),
    "svdvals": lambda: torch.linalg.svdvals(there()),
    "out": lambda: torch.mul(there(), there(), out=torch.empty(2, 3, device="cuda")),
    "in place": lambda: there().add_(1).relu_(),
}


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("name", ON_THE_GPU)
def test_results_are_on_the_gpu(name: str) -> None:
    """Wherever CUDA would put them there."""
    found = ON_THE_GPU[name]()

    assert found.device == torch.device("cuda", 0)
    assert found.is_cuda
    assert not found.is_cpu
    assert found.cpu().device.type == "cpu"


def _write(target: Tensor, value: Tensor) -> Tensor:
    target[0] = value
    return target


def _write_at(target: Tensor, where: Tensor, value: Tensor) -> Tensor:
    target[where] = value
    return target


def _assign_gradient() -> None:
    here().requires_grad_().grad = there()


REFUSED: dict[str, Callable[[], object]] = {
    "sum": lambda: there() + here(),
    "sum the other way round": lambda: here() + there(),
    "sum with a vector of one": lambda: there() + torch.ones(1),
    "in place on the CPU": lambda: here().add_(there()),
    "in place on a scalar of the CPU": lambda: scalar().add_(there().sum()),
    "in place on the GPU": lambda: there().add_(here()),
    "comparison": lambda: there() > here(),
    "where": lambda: torch.where(there() > 0, there(), here()),
    "where by a condition of the CPU": lambda: torch.where(here() > 0, there(), there()),
    "cat": lambda: torch.cat([there(), here()]),
    "stack": lambda: torch.stack([here(), there()]),
    "product": lambda: there() @ here().T,
    "addmm with a bias of the CPU": lambda: torch.addmm(torch.zeros(2), there(), there().T),
    "baddbmm": lambda: torch.baddbmm(torch.zeros(1, 2, 1), there()[None], there().T[None]),
    "out": lambda: torch.mul(there(), 2, out=torch.empty(2, 3)),
    "out of a sum": lambda: torch.sum(there(), 1, out=torch.empty(2)),
    "gather": lambda: there().gather(1, torch.zeros(2, 1, dtype=torch.int64)),
    "index_select": lambda: there().index_select(1, torch.tensor([0])),
    "index_select by a scalar": lambda: there().index_select(1, torch.tensor(0)),
    "take_along_dim": lambda: there().take_along_dim(torch.zeros(2, 1, dtype=torch.int64), 1),
    "scatter": lambda: there().scatter(1, torch.zeros(2, 1, dtype=torch.int64), 1.0),
    "masked_select": lambda: there().masked_select(here() > 0),
    "searchsorted": lambda: torch.searchsorted(torch.arange(3.0), there()),
    "an index of the GPU into the CPU": lambda: here()[:, torch.tensor([0, 2], device="cuda")],
    "a mask of the GPU into the CPU": lambda: here()[there() > 0],
    "values of the CPU by index": lambda: _write_at(there(), torch.tensor([0], device="cuda"), torch.ones(1, 3)),
    "numpy": lambda: there().numpy(),
    "asarray": lambda: np.asarray(there()),
    "a gradient on the GPU of a tensor on the CPU": _assign_gradient,
    "a generator of the CPU": lambda: torch.randn(2, device="cuda", generator=torch.Generator()),
    "a generator of the CPU in place": lambda: there().normal_(generator=torch.Generator()),
    "a product of integers": lambda: (
        torch.ones(2, 2, dtype=torch.int64, device="cuda") @ torch.ones(2, 2).long().cuda()
    ),
    "a second GPU": lambda: torch.zeros(2, device="cuda:1"),
    "a step of fused Adam with a count on the CPU": lambda: torch._fused_adam_(
        *([there()] for _ in range(4)),
        [],
        [torch.tensor(1.0)],
        lr=0.1,
        beta1=0.9,
        beta2=0.99,
        weight_decay=0.0,
        eps=1e-8,
        amsgrad=False,
        maximize=False,
    ),
}


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("name", REFUSED)
def test_what_cuda_refuses_is_refused(name: str) -> None:
    """Mixed devices above all."""
    with pytest.raises((RuntimeError, TypeError)):
        REFUSED[name]()


@pytest.mark.usefixtures("gpu")
def test_copies_between_devices_are_allowed() -> None:
    """Those that are asked for, and values that are written into a part of a tensor, as on CUDA."""
    assert torch.equal(here().copy_(there()), here())
    assert _write(there(), torch.ones(3)).is_cuda
    assert torch.equal(_write(here(), there()[1]), here()[[1, 1]])
    assert _write_at(there(), torch.tensor([0]), scalar()).cpu()[0].tolist() == [2.0] * 3


def _second_derivative(values: Tensor) -> Tensor:
    values = values.clone().requires_grad_()
    (first,) = torch.autograd.grad(values.tanh().square().sum(), values, create_graph=True)
    assert first.device == values.device
    (second,) = torch.autograd.grad(first.pow(3).sum(), values)
    return second


COMPUTED: dict[str, Callable[[Tensor], Tensor]] = {
    "second derivative": _second_derivative,
    "eigenvalues": lambda values: torch.linalg.eigvalsh(values.T @ values),
    "singular values": torch.linalg.svdvals,
    "matrix norm": lambda values: torch.linalg.matrix_norm(values, ord=2),
    "sorted": lambda values: values.flatten().sort(stable=True).values.cumsum(0),
    "masked": lambda values: values[values > 0] ** 2,
    "variance": lambda values: values.var(1) / values.norm(dim=1),
    "jacobian": torch.func.jacrev(lambda values: values.sin().sum(1)),
}


@pytest.mark.parametrize("name", COMPUTED)
def test_numbers_are_those_of_the_cpu(gpu: PretendedGpu, name: str) -> None:
    """To the bit, with the same kernels."""
    found = COMPUTED[name](there())

    assert found.is_cuda
    gpu.__exit__()
    assert torch.equal(found, COMPUTED[name](here()))


def test_a_step_of_fused_adam_is_that_of_the_cpu() -> None:
    """Its state is on the GPU."""

    def trained(device: str) -> Tensor:
        parameter = here().to(device)
        rule = torch.optim.Adam([{"params": [parameter], "lr": 0.1}], fused=True)
        for _ in range(3):
            parameter.grad = parameter.sin()
            rule.step()
        assert {state.device.type for state in rule.state[parameter].values()} == {device}
        return parameter.cpu()

    expected = trained("cpu")
    with PretendedGpu():
        assert torch.equal(trained("cuda"), expected)


TRAFFIC: dict[str, tuple[Callable[[Tensor], object], str]] = {
    "cpu": (lambda values: values.cpu(), "download"),
    "to": (lambda values: values.to("cpu", torch.float64), "download"),
    "copy_": (lambda values: here().copy_(values), "download"),
    "tolist": (lambda values: values.tolist(), "download"),
    "item": (lambda values: values.sum().item(), "wait"),
    "float": (lambda values: float(values[0, 0]), "wait"),
    "bool": (lambda values: bool((values > 0).any()), "wait"),
    "nonzero": (lambda values: values.nonzero(), "wait"),
    "mask": (lambda values: values[values > 0], "wait"),
    "write by a mask": (lambda values: _write_at(values, values > 0, scalar()), "wait"),
    "cuda": (lambda values: here().cuda(), "upload"),
    "index": (lambda values: values[torch.tensor([0])], "upload"),
}


@pytest.mark.parametrize("name", TRAFFIC)
def test_traffic_is_recorded(gpu: PretendedGpu, name: str) -> None:
    """Copies either way, and whatever needs a number of the GPU's on the CPU."""
    act, kind = TRAFFIC[name]
    values = there()
    gpu.events.clear()

    act(values)

    assert [event.kind for event in gpu.events] == [kind]


def test_other_operations_cause_no_traffic(gpu: PretendedGpu) -> None:
    """Nor do those of the CPU beside."""
    values = there()
    gpu.events.clear()
    for compute in (_second_derivative, lambda values: values.relu() @ values.T, lambda values: values[:, 1:].mean()):
        compute(values)
        compute(here())
    assert here().sum().item() == 0.5
    assert gpu.events == []


def test_outside_there_is_no_gpu() -> None:
    """Everything is as before once the context ends."""
    with PretendedGpu(free=10):
        assert torch.cuda.is_available()
        assert torch.cuda.mem_get_info("cuda") == (10, 20)
        values = there()
    assert values.device.type == "cpu"
    assert not torch.cuda.is_available() or torch.cuda.get_device_name() != PretendedGpu.name


def test_memory_runs_out_where_a_tensor_is_too_large() -> None:
    """As torch says it."""
    with PretendedGpu(largest=100):
        torch.zeros(25, device="cuda")
        with pytest.raises(torch.OutOfMemoryError):
            torch.zeros(26, device="cuda")


def test_a_fault_changes_one_operation() -> None:
    """On the GPU alone."""
    with PretendedGpu(faults={"exp": lambda values: values.add_(1)}):
        assert torch.zeros(1, device="cuda").exp().item() == 2
        assert torch.zeros(1).exp().item() == 1
        assert torch.zeros(1, device="cuda").cos().item() == 1
