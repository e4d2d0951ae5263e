"""The ends of an int8 network, made finer than its converter makes them."""

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="needs the train extra")
pytest.importorskip("tensorflow", reason="needs the train extra")

from ai_edge_litert import schema_py_generated as schema  # noqa: E402

from tests.conftest import draw  # noqa: E402
from upscale_cli.architectures.fsrcnn import fsrcnn, merged  # noqa: E402
from upscale_cli.model import inner  # noqa: E402
from upscale_cli.runtimes.inside import inside  # noqa: E402
from upscale_cli.runtimes.litert import Prepared  # noqa: E402
from upscale_cli.runtimes.tflite import code, parsed  # noqa: E402
from upscale_cli.training import export, rounding  # noqa: E402

HALO = 3

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def pictures(count=3):
    return [draw(96, 96, 1, np.float32, seed)[:, :, 0] for seed in range(count)]


@pytest.fixture(scope="module", params=[2, 4])
def files(request):
    """A small network as a file: with the converter's own ends, as exported, float."""
    keras.utils.set_random_seed(0)
    network = fsrcnn(16, 1, scale=request.param)
    rng = np.random.default_rng(5)
    for variable in network.trainable_variables:
        variable.assign_add(0.1 * rng.standard_normal(variable.shape).astype("float32"))
    plain = merged(network)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rounding, "_finer_input", lambda model: None)
        patch.setattr(rounding, "_finer_answer", lambda model: None)
        coarse = export.to_int8(plain, pictures())
    return coarse, export.to_int8(plain, pictures()), export.to_float(plain)


def answers(content, batch):
    return Prepared(content, batch.shape).run(batch)


def test_int8_comes_closer_to_float(files):
    batch = np.stack(pictures(6)[3:])[..., None]
    before, after, exact = (answers(content, batch) for content in files)
    scale = exact.shape[1] // batch.shape[1]
    # at 4x the rounding of the answers, which stays, is most of it
    assert np.std(after - exact) < {2: 0.9, 4: 0.99}[scale] * np.std(before - exact)


def test_constant_pictures_are_answered_with_zero(files):
    levels = np.linspace(0, 1, 37, dtype=np.float32)
    batch = np.broadcast_to(levels[:, None, None, None], (37, 16, 16, 1)).copy()
    assert not inner(answers(files[1], batch), 4 * HALO).any()


def test_only_short_answers_are_rounded_several_times(files):
    model = parsed(files[1])
    kinds = [code(model, one) for one in model.subgraphs[0].operators]
    twice = answers(files[1], np.zeros((1, 8, 8, 1), np.float32)).shape[1] == 16
    assert kinds.count(schema.BuiltinOperator.CONV_2D) == HALO + 1 + twice


def test_replaced_values_are_left_out(files):
    model = parsed(files[1])
    used = {tensor.buffer for tensor in model.subgraphs[0].tensors}
    held = {index for index, buffer in enumerate(model.buffers) if buffer.data is not None}
    assert held <= used | {entry.buffer for entry in model.metadata or ()}


def test_it_can_still_be_rewritten_for_the_inside(files):
    assert inside(files[1]).rim == HALO


@pytest.mark.parametrize("count", [1, 2, 4])
def test_roundings_are_spread_evenly_over_a_step(count):
    moves = rounding._moves(count)
    assert abs(moves.sum()) < 1e-12
    values = np.linspace(-3, 3, 1001)
    mean = np.mean([np.rint(values + move) for move in moves], axis=0)
    assert np.abs(mean - values).max() <= 0.5 / count + 1e-12
