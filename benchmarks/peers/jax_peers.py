"""Contenders in JAX: jit(vmap(scan over layers)), with features last, or first as in the suite.

The module runs in a separate process, `python -m benchmarks.peers.jax_peers`, so that its threads do not interfere with
torch's. It reads orders as lines of JSON and answers each with a line.
"""

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.peers.cases import BETAS, EPSILON, LEARNING_RATE, STEPS, Array, Problem, read_problem

with suppress(ImportError):  # asv imports every file here, also in environments without JAX
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)  # otherwise float64 silently becomes float32
    jax.config.update("jax_default_matmul_precision", "highest")  # otherwise a GPU multiplies float32 as TF32

Parameters = dict[str, Any]


class InJax:
    """The base class of contenders in JAX."""

    features_first: bool
    steps = 1
    """Number of training steps that are timed together."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.case = problem, problem.case
        self.parameters = self._stacked(problem.layers)
        axes = problem.inputs if self.features_first else np.swapaxes(problem.inputs, -1, -2)
        self.points = jnp.asarray(np.ascontiguousarray(axes))
        self.network = _features_first if self.features_first else _features_last
        self.work: Callable[[], Any] = getattr(self, problem.case.work)()
        jax.block_until_ready(self.work())  # compiles the function

    def seconds(self) -> float:
        """Run the computation once and return its time in seconds; for training, the time of one step."""
        start = perf_counter()
        jax.block_until_ready(self.work())
        return (perf_counter() - start) / self.steps

    def forward(self) -> Callable[[], Any]:
        """Return a function that evaluates all networks on the same points."""
        everyone = jax.jit(jax.vmap(self.network, in_axes=(0, None)))
        return lambda: everyone(self.parameters, self.points)

    def v3(self) -> Callable[[], Any]:
        """Return a function that draws networks and computes their V3, compiled as a whole.

        Networks are drawn with jax.random; outputs and third differences are computed in the same compiled function.
        """

        def drawn_and_measured(key: Any) -> Any:
            leaves, tree = jax.tree.flatten(self.parameters)
            keys = jax.random.split(key, len(leaves))
            drawn = [jax.random.normal(k, leaf.shape, leaf.dtype) * 0.5 for k, leaf in zip(keys, leaves, strict=True)]
            outputs = jax.vmap(self.network, in_axes=(0, None))(jax.tree.unflatten(tree, drawn), self.points)
            return _variability(outputs, self.case.side)

        work = jax.jit(drawn_and_measured)
        return lambda: work(jax.random.key(1))

    def training(self) -> Callable[[], Any]:
        """Return a function that trains, with gradients by vmap(grad) and Adam.

        Each step is a call of a compiled function, or a compiled loop makes all steps between two pauses, whichever is
        faster in a trial.
        """
        labels = jnp.asarray(self.problem.labels[:, 0])
        gradient = jax.vmap(jax.grad(partial(_loss, self.network)))

        def step(state: Any) -> Any:
            parameters, m, v, done = state
            g = gradient(parameters, self.points, labels)
            done += 1
            m = jax.tree.map(lambda a, b: BETAS[0] * a + (1 - BETAS[0]) * b, m, g)
            v = jax.tree.map(lambda a, b: BETAS[1] * a + (1 - BETAS[1]) * b * b, v, g)

            def moved(p: Any, a: Any, b: Any) -> Any:
                unbiased = jnp.sqrt(b / (1 - BETAS[1] ** done).astype(p.dtype)) + EPSILON
                return p - LEARNING_RATE * a / (1 - BETAS[0] ** done).astype(p.dtype) / unbiased

            return jax.tree.map(moved, parameters, m, v), m, v, done

        self.step = jax.jit(step, donate_argnums=0)
        many = self.case.steps
        together = jax.jit(lambda state: jax.lax.fori_loop(0, many, lambda _, old: step(old), state), donate_argnums=0)
        self.state = self._start()

        def train(call: Callable[[Any], Any]) -> Any:
            self.state = call(self.state)
            return self.state

        ways = ((1, partial(train, self.step)), (many, partial(train, together)))
        times = [self._try(*way) for way in ways]
        self.steps, work = ways[times.index(min(times))]
        return work

    def answer(self) -> Array:
        """Return the result, as `Contender.answer` does."""
        if self.case.work == "training":
            state = self._start()
            for _ in range(STEPS):
                state = self.step(state)
            outputs = jax.vmap(self.network)(state[0], self.points)
            return np.asarray(_cross_entropy(outputs, jnp.asarray(self.problem.labels[:, 0])).mean(1))
        outputs = jax.vmap(self.network, in_axes=(0, None))(self.parameters, self.points)
        return np.asarray(outputs if self.case.work == "forward" else _variability(outputs, self.case.side))

    def _start(self) -> Any:
        """Return parameters, both moments of Adam and the number of steps before the first step."""
        moments = [jax.tree.map(jnp.zeros_like, self.parameters) for _ in range(2)]
        return (jax.tree.map(jnp.copy, self.parameters), *moments, jnp.asarray(0.0))

    def _try(self, steps: int, work: Callable[[], Any]) -> float:
        """Return the time of a step if `steps` of them are made together."""
        self.steps, self.work = steps, work
        self.seconds()  # compiles the function
        return min(self.seconds() for _ in range(5))

    def _stacked(self, layers: list[tuple[Array, Array]]) -> Parameters:
        """Return the parameters with hidden layers stacked on axis 1, after the draws, for the scan."""
        first, *middle, last = layers if self.features_first else [(np.swapaxes(w, 1, 2), b) for w, b in layers]
        hidden = tuple(np.stack(part, axis=1) for part in zip(*middle, strict=True))
        return {"first": _arrays(first), "middle": _arrays(hidden), "last": _arrays(last)}


class JaxFeaturesLast(InJax):
    """A contender whose arrays have one row per point."""

    features_first = False


class JaxFeaturesFirst(InJax):
    """A contender whose arrays have one column per point."""

    features_first = True


CONTENDERS: dict[str, type[InJax]] = {"jax": JaxFeaturesLast, "jax_features_first": JaxFeaturesFirst}


def _arrays(layer: tuple[Array, ...]) -> tuple[Any, ...]:
    return tuple(jnp.asarray(np.ascontiguousarray(part)) for part in layer)


def _features_last(parameters: Parameters, points: Any) -> Any:
    def layer(h: Any, affine: Any) -> tuple[Any, None]:
        return jax.nn.relu(h @ affine[0] + affine[1]), None

    h, _ = layer(points, parameters["first"])
    if parameters["middle"]:
        h, _ = jax.lax.scan(layer, h, parameters["middle"])
    weight, bias = parameters["last"]
    return (h @ weight + bias)[:, 0]


def _features_first(parameters: Parameters, points: Any) -> Any:
    def layer(h: Any, affine: Any) -> tuple[Any, None]:
        return jax.nn.relu(affine[0] @ h + affine[1][:, None]), None

    h, _ = layer(points, parameters["first"])
    if parameters["middle"]:
        h, _ = jax.lax.scan(layer, h, parameters["middle"])
    weight, bias = parameters["last"]
    return (weight @ h + bias[:, None])[0]


def _cross_entropy(outputs: Any, labels: Any) -> Any:
    return jax.nn.softplus(outputs) - labels * outputs


def _loss(network: Callable[[Parameters, Any], Any], parameters: Parameters, points: Any, labels: Any) -> Any:
    return _cross_entropy(network(parameters, points), labels).mean()


def _variability(outputs: Any, side: int) -> Any:
    board = outputs.reshape(-1, side, side)
    parts = [jnp.abs(jnp.diff(board, n=3, axis=axis)).mean((1, 2)) for axis in (1, 2)]
    return (parts[0] + parts[1]) / 2 / (2 / (side - 1)) ** 3


def serve() -> None:
    """Answer orders until standard input ends."""
    standing: dict[str, InJax] = {}
    for line in sys.stdin:
        order = json.loads(line)
        name, reply = order["contender"], None
        match order["do"]:
            case "backend":
                reply = jax.default_backend()
            case "prepare":
                standing[name] = CONTENDERS[name](read_problem(order["file"]))
            case "answer":
                np.save(order["file"], standing[name].answer())
            case "seconds":
                reply = standing[name].seconds()
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    serve()
