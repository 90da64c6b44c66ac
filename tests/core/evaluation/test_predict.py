import copy
import gc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from core.errors import Cancelled, InvalidValue, MemoryFull
from core.evaluation import Predictor, predict
from core.evaluation.predict import as_images
from core.models import build, prunable, set_normalisation
from core.pruning import bind, magnitude
from core.similarity import cka_matrix
from tests.core.tiny import Tiny, image_set, pictures

MEAN, STD = (0.6, 0.5, 0.4), (0.2, 0.25, 0.3)
NETWORKS = {"vgg16": "vgg16", "densenet169": "densenet169", "tiny": None}


def network(name: str) -> torch.nn.Module:
    """A network whose batch norm has met images, so that folding it wrongly would show."""
    torch.manual_seed(0)
    model = set_normalisation(build(name, 3) if NETWORKS[name] else Tiny(3), MEAN, STD)
    with torch.no_grad():
        model.train()(torch.randn(8, 3, 32, 32))
        model.classifier.weight.mul_(20 if name == "vgg16" else 3)  # answers that differ visibly
    return model.eval()


def plain_loop(model, images: np.ndarray) -> np.ndarray:
    rows = []
    with torch.no_grad():
        for image in images:
            x = (image.astype(np.float64) / 255 - MEAN) / STD
            logits = model(torch.from_numpy(x.transpose(2, 0, 1)).float()[None])
            rows.append(torch.softmax(logits.double(), 1)[0].numpy())
    return np.stack(rows)


@pytest.mark.parametrize("name", NETWORKS)
def test_equals_a_plain_loop_and_half_precision_is_close(name):
    model, images = network(name), pictures(2)[0]
    expected = plain_loop(model, images)
    assert np.ptp(expected, axis=0).max() > 0.01  # the images are told apart at all
    exact = predict(model, images, precision="float32", batch=4)
    assert exact.dtype == np.float32
    assert exact.shape == (6, 3)
    np.testing.assert_allclose(exact, expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(predict(model, images, precision="bfloat16"), expected, rtol=0, atol=0.03)


def bits(model) -> dict:
    return {
        name: (t.data_ptr(), t.dtype, t.stride(), t.detach().clone())
        for name, t in [*model.named_parameters(), *model.named_buffers()]
    }


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["tiny", "densenet169"])
def test_leaves_the_model_untouched(name, precision):
    model = network(name)
    model.train()
    before, objects = bits(model), dict(model.named_parameters())
    predict(Predictor(model, precision=precision), pictures(1)[0])
    after = bits(model)
    assert list(before) == list(after)
    for key in before:
        assert before[key][:3] == after[key][:3], key
        assert torch.equal(before[key][3], after[key][3]), key
    assert all(objects[key] is parameter for key, parameter in model.named_parameters())
    assert model.training


def test_threads_with_other_masks_on_one_model_never_see_each_others_numbers():
    model, images = network("tiny"), pictures(4)[0]
    sparsities = [0.0, 0.3, 0.5, 0.7, 0.9]
    masks = {sparsity: magnitude(prunable(model), sparsity) for sparsity in sparsities}

    def answer(sparsity):
        return predict(bind(model, masks[sparsity]), images, precision="float32", batch=6)

    alone = {sparsity: answer(sparsity) for sparsity in sparsities}
    for one in sparsities:
        assert all(np.abs(alone[one] - alone[other]).max() > 1e-4 for other in sparsities if other != one)
    asked = sparsities * 12
    with ThreadPoolExecutor(8) as pool:
        for sparsity, got in zip(asked, pool.map(answer, asked), strict=True):
            np.testing.assert_allclose(got, alone[sparsity], rtol=0, atol=1e-6)


def test_a_predictor_may_be_shared_by_threads():
    predictor = Predictor(network("tiny"), precision="float32")
    sets = [pictures(3, seed)[0] for seed in range(4)]
    alone = [predict(predictor, images) for images in sets]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda images: predict(predictor, images), sets * 5))
    for number, got in enumerate(together):
        np.testing.assert_array_equal(got, alone[number % 4])


def test_the_batch_does_not_matter_and_progress_is_told():
    model, images, told = network("tiny"), image_set(5), []
    whole = predict(model, images, precision="float32", batch=100)
    parts = predict(model, images, precision="float32", batch=4, report=told.append)
    np.testing.assert_allclose(whole, parts, rtol=0, atol=1e-6)
    np.testing.assert_allclose(whole.sum(1), 1, atol=1e-6)
    assert [moment.done for moment in told] == [4, 8, 12, 15]
    assert {moment.total for moment in told} == {15}


def test_a_report_may_cancel():
    def stop(progress):
        raise Cancelled("Predicting")

    with pytest.raises(Cancelled):
        predict(network("tiny"), pictures(2)[0], report=stop)


def test_the_stored_normalisation_counts():
    model = network("tiny")
    other = set_normalisation(copy.deepcopy(model), (0.1, 0.1, 0.1), (1, 1, 1))
    images = pictures(1)[0]
    assert np.abs(predict(model, images) - predict(other, images)).max() > 1e-3


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (np.zeros((2, 8, 8, 3), np.float32), r"float32 \[2, 8, 8, 3\]"),
        (np.zeros((2, 3, 8, 8), np.uint8), r"uint8 \[2, 3, 8, 8\]"),
        (np.zeros((8, 8, 3), np.uint8), "not images"),
        ([1, 2], "list"),
        (np.zeros((0, 8, 8, 3), np.uint8), "no images"),
    ],
)
def test_what_is_no_image_is_named(images, says):
    with pytest.raises(InvalidValue, match=says):
        predict(network("tiny"), images)


def test_images_too_small_for_the_network_are_named():
    with pytest.raises(InvalidValue, match=r"16×16.*32×32"):
        predict(build("vgg16", 2), np.zeros((1, 16, 16, 3), np.uint8))


def test_a_memory_map_is_not_copied(tmp_path):
    np.save(tmp_path / "images.npy", pictures(2)[0])
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    tensor = as_images(mapped)
    assert tensor.data_ptr() == mapped.ctypes.data
    del mapped
    gc.collect()
    np.testing.assert_array_equal(tensor, pictures(2)[0])  # what it looks at is still there
    strided = pictures(2)[0][::2]
    np.testing.assert_array_equal(as_images(strided), strided)


def test_where_memory_is_full_fewer_images_go_at_once():
    model, images = network("tiny"), pictures(12)[0]
    predictor, asked = Predictor(model, precision="float32"), []
    answer = predictor._answer

    def small(batch):
        asked.append(len(batch))
        if len(batch) > room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return answer(batch)

    expected = predict(predictor, images, batch=36)
    predictor._answer, room = small, 10
    done = []
    found = predict(predictor, images, batch=36, report=lambda progress: done.append(progress.done))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert asked == [36, 18, 9, 9, 9, 9]
    assert done == [9, 18, 27, 36]
    room = 0
    with pytest.raises(MemoryFull, match="smaller images"):
        predict(predictor, images)
    assert asked[-1] == 1


@pytest.mark.parametrize("batch", [0, -1, 2.5, "x", True])
def test_a_number_of_images_at_once_is_whole_and_from_one(batch):
    with pytest.raises(InvalidValue, match="images at once"):
        predict(network("tiny"), np.zeros((2, 32, 32, 3), np.uint8), batch=batch)


@pytest.mark.parametrize("shape", [(2, 0, 32, 3), (2, 32, 0, 3)])
def test_images_without_pixels_are_none(shape):
    with pytest.raises(InvalidValue, match="These are not images"):
        predict(network("tiny"), np.zeros(shape, np.uint8))


@pytest.mark.parametrize("model", [None, "vgg16", build])
def test_what_is_no_network_is_named(model):
    images = np.zeros((2, 32, 32, 3), np.uint8)
    for work in (
        lambda: predict(model, images),
        lambda: prunable(model),
        lambda: bind(model, {"0": torch.ones(2, dtype=torch.bool)}),
        lambda: cka_matrix(model, model, images),
    ):
        with pytest.raises(InvalidValue, match="network"):
            work()
