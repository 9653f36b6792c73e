"""Member names and cell keys are the same byte for byte from version to version, so that cached cells stay valid."""

from pathlib import Path

import pytest

from suite.cells.cell import Cell
from suite.cells.sampling import cells_of
from suite.spec.load import Study, load_studies

PLAIN = """
title = "Pinned names and keys"
seed  = 7

[[family]]
parameters     = 300
inputs         = 2
depth          = [1, 3]
activation     = ["relu", { name = "leaky_relu", slope = 0.1 }]
initialization = ["he", { scheme = "critical", bias_std = 0.1 }]

[[family]]
width          = 8
inputs         = 2
depth          = 2
activation     = "relu"
initialization = "data_dependent"

[measure.activation_ratio]

[measure.v3]
draws = 300
step  = 0.125

[measure.collapse]
precision = 0.05

[measure.correlation]

[measure.jacobian]

[measure.trainability]

[measure.accuracy]
task       = { name = "checkerboard", squares = 2, train = 64, test = 64 }
optimizer  = { name = "adam", learning_rate = [0.01, 0.03], batch = 32 }
steps      = 24
replicates = 70

[measure.revival]
"""

NORMALIZED = """
title = "Pinned names and keys of normalized networks"
seed  = 8

[family]
width          = 8
inputs         = 3
depth          = 2
activation     = "tanh"
initialization = "orthogonal"
normalization  = ["layer", "batch"]
residual       = true

[domain]
kind   = "ball"
radius = 2.0

[measure.v3]
dtype = "float32"

[measure.gradients]

[measure.ntk]
points = 16
"""

NAMES = (
    "relu-d1-40954153d7",
    "leaky_relu-d1-d19f2ce06b",
    "relu-d1-26da3c04b1",
    "leaky_relu-d1-9545096eac",
    "relu-d3-f04a4bd013",
    "leaky_relu-d3-b320944ac4",
    "relu-d3-f171255517",
    "leaky_relu-d3-95a11f8211",
    "relu-d2-7acba01398",
    "tanh-d2-d5cfc82e5d",
    "tanh-d2-9f862e616d",
)

KEYS = {
    ("landscape", "relu-d1-40954153d7", 0): "889403e490c9e6cb0f1b61b1f4547b07",
    ("activation_ratio", "relu-d1-40954153d7", 0): "2cc818a496cf6b0846142557e05e041b",
    ("v3", "relu-d1-40954153d7", 0): "34fd241da89dbe5e361a87fe691c3eeb",
    ("v3", "relu-d1-40954153d7", 256): "80981b1e224677ac2d13ef03f9f1ba4d",
    ("collapse", "relu-d1-40954153d7", 0): "4e59e4fefc7100f3b1f2f965b88519f2",
    ("trainability", "relu-d1-40954153d7", 0): "795fcc2ba397a82434c3c83112d6b507",
    ("correlation", "relu-d1-40954153d7", 0): "d3357b19b6d119da1e81c7588a287be7",
    ("jacobian", "relu-d1-40954153d7", 0): "24bc72bc0dc8808a4f14d063ad7336ea",
    ("accuracy", "relu-d1-40954153d7", 0): "9046c6594289992e9b8091ef08645356",
    ("v3", "tanh-d2-d5cfc82e5d", 0): "72ff26054bb933c896ff25a1fad6bb51",
    ("gradients", "tanh-d2-d5cfc82e5d", 0): "e673513c344349805fcab64c10004840",
    ("ntk", "tanh-d2-d5cfc82e5d", 0): "dc3380c22721c58ac3cbd76a1d05bf63",
}


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> list[Study]:
    """The studies of both texts."""
    folder = tmp_path_factory.mktemp("pinned")
    for name, text in (("a", PLAIN), ("b", NORMALIZED)):
        (folder / f"{name}.toml").write_text(text)
    return load_studies([folder])


def test_members_keep_their_names(studies: list[Study]) -> None:
    """A name ends in a hash of all that the member's weights follow from."""
    assert tuple(member.name for study in studies for member in study.members) == NAMES


def test_cells_keep_their_keys(studies: list[Study]) -> None:
    """A key is the name of the cell's file in the cache."""
    keys = {_described(cell): cell.key for study in studies for cell in cells_of(study)}

    assert {described: keys[described] for described in KEYS} == KEYS


def _described(cell: Cell) -> tuple[str, str, int]:
    return cell.name, cell.member.name, cell.start


@pytest.mark.parametrize("key", ["name", "scheme"])
@pytest.mark.parametrize("domain_key", ["name", "kind"])
def test_entries_are_selected_by_name_without_a_change_of_keys(tmp_path: Path, key: str, domain_key: str) -> None:
    """`scheme` and `kind` stay accepted; members and cells have the same names and keys either way."""
    text = (
        'title = "t"\nseed = 1\ndomain = { kind = "ball", radius = 2.0 }\n[family]\nwidth = 4\ninputs = 2\ndepth = 2\n'
        'activation = "relu"\ninitialization = { bias_std = [0.1, 0.2], scheme = "critical" }\n'
        "[measure.v3]\nstep = 0.5\n"
    )
    found = []
    for name, content in (("old", text), ("new", text.replace("scheme", key).replace("kind", domain_key))):
        (tmp_path / f"{name}.toml").write_text(content)
        (study,) = load_studies([tmp_path / f"{name}.toml"])
        found.append([(cell.member.name, cell.key) for cell in cells_of(study)])

    assert found[0] == found[1]


OPTIMIZED = """
title = "Pinned keys of trainings"
seed  = 9

[family]
width          = 8
inputs         = 2
depth          = 2
activation     = "relu"
initialization = "he"

[measure.accuracy]
task       = {{ name = "checkerboard", squares = 2, train = 64, test = 64 }}
optimizer  = {{ {optimizer}, batch = 32 }}
steps      = 24
replicates = 4
"""

OPTIMIZER_KEYS = {
    'name = "adam", learning_rate = 0.01': "eceaccdb9ed625604657dbb7a8f8a04b",
    'name = "adam", learning_rate = [0.01, 0.03], weight_decay = 0.1': "6b65bc8b53b442d4c6634241d8ebe84a",
    'name = "sgd", learning_rate = 0.1': "4a3e87e038ce5ba51490491c83492293",
    'name = "sgd", learning_rate = 0.1, momentum = 0.9, weight_decay = 0.01': "eebcc637300cfefe4040371c151ca915",
}
"""Keys from before optimizers had schedules and clipping."""


def _training_key(optimizer: str, folder: Path) -> str:
    (folder / "c.toml").write_text(OPTIMIZED.format(optimizer=optimizer))
    (study,) = load_studies([folder / "c.toml"])
    (key,) = [cell.key for cell in cells_of(study) if cell.name == "accuracy"]
    return key


@pytest.mark.parametrize("optimizer", OPTIMIZER_KEYS)
@pytest.mark.parametrize("stated", ["", ', schedule = "constant"', ", warmup = 0"])
def test_trainings_without_a_schedule_keep_their_keys(optimizer: str, stated: str, tmp_path: Path) -> None:
    """Whether or not a spec states what holds anyway."""
    assert _training_key(optimizer + stated, tmp_path) == OPTIMIZER_KEYS[optimizer]


@pytest.mark.parametrize("optimizer", OPTIMIZER_KEYS)
def test_schedules_and_clipping_change_the_key(optimizer: str, tmp_path: Path) -> None:
    """Each in a way of its own."""
    stated = ["", ', schedule = "cosine"', ", warmup = 1", ", warmup = 2", ", clip = 1.0", ", clip = 2.0"]
    stated += [', schedule = "cosine", warmup = 1', ', schedule = "cosine", clip = 1.0']
    keys = {_training_key(optimizer + each, tmp_path) for each in stated}
    assert len(keys) == len(stated)


def test_adamw_is_not_adam_with_the_same_decay(tmp_path: Path) -> None:
    settings = "learning_rate = 0.01, weight_decay = 0.01"
    adam, adamw = (_training_key(f'name = "{name}", {settings}', tmp_path) for name in ("adam", "adamw"))
    assert adam != adamw
