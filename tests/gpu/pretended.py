"""A pretended GPU: tensors that compute on the CPU, report `cuda:0`, and refuse to mix with the CPU's.

Real kernels of the CPU compute all values. A tensor is on the GPU if its storage is marked. Two modes of torch do the
rest. The first handles calls from Python, which name and ask for devices. The second handles the operations that these
calls consist of, also those of a backward pass, and checks the devices of their arguments as CUDA does.

Not pretended: several GPUs, streams, generators on the GPU, sparse tensors, and gradients that pass through a copy
between devices.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, Self
from unittest.mock import patch

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import suite

CUDA, CPU = torch.device("cuda", 0), torch.device("cpu")
SUITE = Path(suite.__file__).parent

_COPIES = {"copy", "_copy_from", "_foreach_copy"}
"""Operations whose arguments may be on two devices."""

_WAITS = {
    "_local_scalar_dense",
    "_linalg_eigh",
    "_linalg_solve_ex",
    "_linalg_svd",
    "_unique2",
    "allclose",
    "bincount",
    "equal",
    "histc",
    "linalg_cholesky_ex",
    "linalg_inv_ex",
    "masked_select",
    "nonzero",
    "repeat_interleave",
    "unique_consecutive",
    "unique_dim",
}
"""Operations that wait for the GPU: their value, the size of their result or their errors are needed on the CPU."""

_PRODUCTS = {"addbmm", "addmm", "addmv", "baddbmm", "bmm", "dot", "mm", "mv", "vdot"}
"""Operations that CUDA does not have for integers."""

_TAKE_SCALARS = {"fill", "masked_fill"}
"""Operations besides the elementwise ones that take a number from a scalar of the CPU."""

_WITHOUT_VECTORS = {torch.linalg.eigvalsh, torch.linalg.svdvals, torch.linalg.matrix_norm}
"""Functions that compute eigenvectors or singular vectors only while a mode is on, and round differently then."""

_ONLY_ON_THE_CPU = {torch.nn.functional.one_hot}
"""Functions that look at values on the CPU alone: on a GPU they do not wait."""


class Event(NamedTuple):
    """Traffic between the GPU and the CPU.

    Attributes:
        kind: "download" of a tensor, "upload" of one, or "wait" for a number, a size or an error.
        place: file and function of the suite that caused it, such as "cells/compute.py:compute".
        line: in that file.
        what: the operation.
    """

    kind: str
    place: str
    line: int
    what: str


class PretendedGpu:
    """A context in which there is a GPU called "Pretended".

    Attributes:
        events: the traffic so far.
        most: bytes of the largest tensor so far.
        operations: names of ATen's operations so far.
    """

    name = "Pretended"

    def __init__(
        self,
        free: int = 2**30,
        largest: int | None = None,
        faults: dict[str, Callable[[Tensor], object]] | None = None,
    ) -> None:
        """Enter the context to switch it on.

        Args:
            free: bytes of free memory that it reports.
            largest: bytes of the largest tensor that it can hold.
            faults: by operation of ATen (such as "bmm"), what is called with each result, to change it or to raise.
        """
        self.free, self.largest, self.faults = free, largest, faults or {}
        self.events: list[Event] = []
        self.most = 0
        self.operations: set[str] = set()
        self._marked: dict[int, StorageWeakRef] = {}
        self._calls: list[_Call] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self._torch_cuda())
        self._stack.enter_context(_Operations(self))
        self._stack.enter_context(_Functions(self))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @property
    def function(self) -> Any:
        """The function that Python is in, if it is one of torch's."""
        return self._calls[-1].function if self._calls else None

    def places(self, kind: str) -> set[str]:
        """Return the functions of the suite that caused traffic of a kind."""
        return {event.place for event in self.events if event.kind == kind}

    def has(self, values: Tensor) -> bool:
        """Return whether a tensor is on the GPU."""
        return _place(values) in self._marked

    def mark(self, values: Tensor) -> None:
        """Put a tensor, and all that share its storage, on the GPU."""
        storage = values.untyped_storage()
        if storage._cdata not in self._marked:
            if self.largest is not None and storage.nbytes() > self.largest:
                raise torch.OutOfMemoryError(f"CUDA out of memory. Tried to allocate {storage.nbytes()} bytes.")
            self.most = max(self.most, storage.nbytes())
            # While a weak reference exists, no other storage gets the address.
            self._marked[storage._cdata] = StorageWeakRef(storage)
            if len(self._marked) % 4096 == 0:
                self._marked = {place: ref for place, ref in self._marked.items() if not ref.expired()}

    def record(self, kind: str, what: str) -> None:
        """Note traffic with the line of the suite that caused it, the innermost one."""
        frame = sys._getframe(1)
        while frame is not None and SUITE not in Path(frame.f_code.co_filename).parents:
            frame = frame.f_back  # type: ignore[assignment]  # None ends the loop
        if frame is None:
            self.events.append(Event(kind, "outside the suite", 0, what))
            return
        file = Path(frame.f_code.co_filename).relative_to(SUITE).as_posix()
        function = frame.f_code.co_qualname.partition(".<locals>.<")[0]  # without comprehensions
        self.events.append(Event(kind, f"{file}:{function}", frame.f_lineno, what))

    @contextmanager
    def _torch_cuda(self) -> Iterator[None]:
        properties = SimpleNamespace(name=self.name, major=9, minor=0, total_memory=2 * self.free)
        answers: dict[str, Any] = {
            "is_available": True,
            "is_initialized": True,
            "device_count": 1,
            "current_device": 0,
            "mem_get_info": (self.free, 2 * self.free),
            "memory_reserved": 0,
            "memory_allocated": 0,
            "get_device_name": self.name,
            "get_device_properties": properties,
            "get_device_capability": (9, 0),
            "synchronize": None,
            "empty_cache": None,
            "set_device": None,
        }
        with ExitStack() as stack:
            for function, answer in answers.items():
                stack.enter_context(patch.object(torch.cuda, function, lambda *_, answer=answer, **__: answer))
            yield


class _Call(NamedTuple):
    """A call from Python: whether any argument is on the GPU, and the device that it names, if any."""

    function: Any
    on_gpu: bool
    named: torch.device | None


class _Functions(TorchFunctionMode):
    """Handles what Python calls: names and reports devices."""

    def __init__(self, gpu: PretendedGpu) -> None:
        super().__init__()
        self.gpu = gpu
        self.handlers: dict[Any, Callable[..., Any]] = {
            Tensor.device.__get__: lambda values, *_: CUDA if gpu.has(values) else CPU,
            Tensor.is_cuda.__get__: lambda values, *_: gpu.has(values),
            Tensor.is_cpu.__get__: lambda values, *_: not gpu.has(values),
            Tensor.get_device: lambda values: 0 if gpu.has(values) else -1,
            Tensor.to: self._to,
            Tensor.cuda: lambda values, device="cuda", **_: self._moved(values, _device(device)),
            Tensor.cpu: lambda values, **_: self._moved(values, CPU),
            Tensor.numpy: self._numpy,
            Tensor.__array__: self._on_the_cpu(Tensor.__array__),
            torch.tensor: self._tensor,
            Tensor.tolist: self._tolist,
            Tensor.grad.__set__: self._set_grad,
            Tensor.new_tensor: self._like_self(Tensor.new_tensor),
            Tensor.__deepcopy__: self._like_self(Tensor.__deepcopy__),
        }

    def __torch_function__(
        self, function: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if handler := self.handlers.get(function):
            return handler(*args, **kwargs)
        if kwargs.get("device") is None:
            return self._called(None, function, *args, **kwargs)
        return self._elsewhere(function, args, kwargs)

    def _called(self, named: torch.device | None, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a function; its operations know the device that it names, or that of its arguments."""
        given = any(self.gpu.has(value) for value in tree_leaves((args, kwargs)) if isinstance(value, Tensor))
        self.gpu._calls.append(_Call(function, given, named))
        try:
            return function(*args, **kwargs)
        finally:
            self.gpu._calls.pop()

    def _elsewhere(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a function that names the device of its result."""
        named = _device(kwargs.pop("device"))
        found = self._called(named, function, *args, **kwargs)
        if isinstance(found, Tensor) and self.gpu.has(found) != (named == CUDA):
            shared = {_place(value) for value in tree_leaves((args, kwargs)) if isinstance(value, Tensor)}
            if named == CPU or _place(found) in shared:
                return self._moved(found, named)
            self.gpu.mark(found)
        return found

    def _to(self, values: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        named, copied = kwargs.pop("device", None), kwargs.pop("copy", False)
        rest = []
        for value in args:
            if isinstance(value, Tensor):
                named, kwargs["dtype"] = CUDA if self.gpu.has(value) else CPU, value.dtype
            elif isinstance(value, torch.device | str | int) and not isinstance(value, bool):
                named = value
            else:
                rest.append(value)
        if named is None or (_device(named) == CUDA) == self.gpu.has(values):
            kwargs.pop("non_blocking", None)
            return self._called(None, Tensor.to, values, *rest, copy=copied, **kwargs)  # type: ignore[no-any-return]
        return self._moved(values, _device(named), *rest, **kwargs)

    def _moved(self, values: Tensor, named: torch.device, *args: Any, **kwargs: Any) -> Tensor:
        if self.gpu.has(values) == (named == CUDA) and not (args or kwargs):
            return values
        if not any(isinstance(value, torch.dtype) for value in (*args, kwargs.get("dtype"))):
            kwargs["dtype"] = values.dtype
        return self._called(named, Tensor.to, values, *args, copy=True, **kwargs)  # type: ignore[no-any-return]

    def _on_the_cpu(self, function: Any) -> Callable[..., Any]:
        def checked(values: Tensor, *args: Any, **kwargs: Any) -> Any:
            if self.gpu.has(values):
                raise TypeError(
                    "can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host "
                    "memory first."
                )
            return function(values, *args, **kwargs)

        return checked

    def _numpy(self, values: Tensor, *, force: bool = False) -> Any:
        return self._on_the_cpu(Tensor.numpy)(self._moved(values.detach(), CPU) if force else values)

    def _tensor(self, data: Any, **kwargs: Any) -> Tensor:
        if not isinstance(data, Tensor):
            for value in tree_leaves(data):
                if isinstance(value, Tensor) and self.gpu.has(value):
                    self.gpu.record("wait", "tensor")
        if kwargs.get("device") is None:
            return self._called(None, torch.tensor, data, **kwargs)  # type: ignore[no-any-return]
        return self._elsewhere(torch.tensor, (data,), kwargs)  # type: ignore[no-any-return]

    def _tolist(self, values: Tensor) -> Any:
        if self.gpu.has(values):
            self.gpu.record("download", "tolist")
        return Tensor.tolist(values)

    def _set_grad(self, values: Tensor, grad: Tensor | None) -> None:
        if grad is not None and self.gpu.has(values) != self.gpu.has(grad):
            raise RuntimeError("attempting to assign a gradient located on another device to a tensor")
        Tensor.grad.__set__(values, grad)

    def _like_self(self, function: Any) -> Callable[..., Any]:
        def called(values: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            kwargs["device"] = kwargs.get("device", CUDA if self.gpu.has(values) else CPU)
            if function is Tensor.__deepcopy__:
                named = kwargs.pop("device")
                found = function(values, *args)
                if named == CUDA:
                    self.gpu.mark(found)
                return found  # type: ignore[no-any-return]
            return self._elsewhere(function, (values, *args), kwargs)  # type: ignore[no-any-return]

        return called


class _Operations(TorchDispatchMode):
    """Checks the devices of each operation's arguments, and puts its results where CUDA would."""

    def __init__(self, gpu: PretendedGpu) -> None:
        super().__init__()
        self.gpu = gpu

    def __torch_dispatch__(
        self, operation: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        with torch._C.DisableTorchFunction():
            return self._run(operation, args, kwargs)

    def _run(self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        gpu, name = self.gpu, operation._schema.name.partition("::")[2].removesuffix("_")
        tensors = [value for value in tree_leaves((args, kwargs)) if isinstance(value, Tensor)]
        there = [value for value in tensors if gpu.has(value)]
        if there and len(there) < len(tensors):
            self._check_mixed(operation, name, args, kwargs)
        on_gpu, named = bool(there), next((call.named for call in gpu._calls[-1:]), None)
        if not tensors or (named and "device" in {argument.name for argument in operation._schema.arguments}):
            on_gpu = named == CUDA if named else any(call.on_gpu for call in gpu._calls)
        if on_gpu:
            gpu.operations.add(name)
            self._check_possible(name, tensors, kwargs)
        self._record(name, args, there, tensors, on_gpu)
        if gpu.function in _WITHOUT_VECTORS and name in ("_linalg_eigh", "_linalg_svd"):
            args, kwargs = args[:2], kwargs | {"compute_v" if name == "_linalg_eigh" else "compute_uv": False}
        found = operation(*args, **kwargs)
        if on_gpu:
            shared = {_place(value) for value in tensors if not gpu.has(value)}
            results = [
                value for value in tree_leaves(found) if isinstance(value, Tensor) and _place(value) not in shared
            ]
            for value in results:
                gpu.mark(value)
            if fault := gpu.faults.get(name):
                for value in results or _written(operation, args, kwargs):
                    fault(value)
        return found

    def _check_mixed(self, operation: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Raise RuntimeError where CUDA does: all tensors must be on it, apart from a few exceptions."""
        gpu = self.gpu
        if name in _COPIES:
            return
        if name in ("index", "_unsafe_index", "index_put", "_index_put_impl"):
            if not gpu.has(args[0]):
                raise RuntimeError("indices should be either on cpu or on the same device as the indexed tensor (cpu)")
            values = args[2] if "put" in name else args[0]
            if gpu.has(values) or values.dim() == 0:
                return
        written = _written(operation, args, kwargs)
        here = [value for value in tree_leaves((args, kwargs)) if isinstance(value, Tensor) and not gpu.has(value)]
        scalars = all(value.dim() == 0 and not any(value is other for other in written) for value in here)
        if not (scalars and (torch.Tag.pointwise in operation.tags or name in _TAKE_SCALARS)):
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu! "
                f"(in the operation {name})"
            )

    def _check_possible(self, name: str, tensors: Iterable[Tensor], kwargs: dict[str, Any]) -> None:
        if name in _PRODUCTS and not all(value.is_floating_point() or value.is_complex() for value in tensors):
            raise NotImplementedError(f'"{name}_cuda" not implemented for integers')
        if isinstance(kwargs.get("generator"), torch.Generator):
            raise RuntimeError("Expected a 'cuda' device type for generator but found 'cpu'")

    def _record(
        self, name: str, args: tuple[Any, ...], there: Sequence[Tensor], tensors: Sequence[Tensor], on_gpu: bool
    ) -> None:
        gpu = self.gpu
        if gpu.function in _ONLY_ON_THE_CPU:
            return
        if name == "copy" and there and len(there) < len(tensors):
            gpu.record("upload" if gpu.has(args[0]) else "download", name)
        elif name == "_to_copy" and bool(there) != on_gpu:
            gpu.record("upload" if on_gpu else "download", name)
        elif there and name.startswith(("index", "_index")) and "select" not in name and len(args) > 1:
            indices = [value for value in tree_leaves(args[1]) if isinstance(value, Tensor)]
            if any(value.dtype in (torch.bool, torch.uint8) for value in indices):
                gpu.record("wait", f"{name} by a mask")
            if any(not gpu.has(value) for value in indices):
                gpu.record("upload", f"{name} by indices")
        elif there and name in _WAITS:
            gpu.record("wait", name)


def _written(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Tensor]:
    """Return the tensors that an operation changes."""
    found = []
    for number, argument in enumerate(operation._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            found += tree_leaves(args[number] if number < len(args) else kwargs.get(argument.name))
    return [value for value in found if isinstance(value, Tensor)]


def _place(values: Tensor) -> int:
    """Return what identifies a tensor's storage, also inside a transformation of torch.func."""
    while torch._C._functorch.is_functorch_wrapped_tensor(values):
        values = torch._C._functorch.get_unwrapped(values)
    return values.untyped_storage()._cdata


def _device(named: Any) -> torch.device:
    """Return the device that is named, with its number."""
    found = CUDA if named is None else torch.device("cuda", named) if isinstance(named, int) else torch.device(named)
    if found.type == "cuda" and found.index not in (None, 0):
        raise RuntimeError("CUDA error: invalid device ordinal")
    return CUDA if found.type == "cuda" else found
