"""bfloat16 is tried against float32 on the first images of a kind of network, and left where it moves answers."""

import numpy as np
import pytest
import torch

from core import device
from core.evaluation import Predictor, predict, rounding
from core.models import normalise, set_normalisation
from tests.core.tiny import Tiny, pictures


@pytest.fixture(autouse=True)
def fast_in_bfloat16(monkeypatch):
    monkeypatch.setattr(device, "bfloat16_is_fast", lambda kind="cpu": True)
    monkeypatch.setattr(rounding, "_GOOD", {})


@pytest.fixture
def tried(monkeypatch) -> list[int]:
    """How many images each trial in float32 was of."""
    counts, answer = [], Predictor._logits

    def counted(predictor, images):
        if predictor.dtype == torch.float32:
            counts.append(len(images))
        return answer(predictor, images)

    monkeypatch.setattr(Predictor, "_logits", counted)
    return counts


def network(shift: float = 0.0) -> torch.nn.Module:
    """The same answers for any ``shift``, a logit of which all classes get alike; rounding a large one to eight bits is the end of them."""
    torch.manual_seed(0)
    model = set_normalisation(Tiny(3), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)).eval()
    with torch.no_grad():
        model.classifier.weight.mul_(10)
        model.classifier.bias.add_(shift)
    return model


def test_float32_answers_where_rounding_would_move_answers():
    images = pictures(20)[0]
    exact = predict(network(2000.0), images, precision="float32")
    assert np.abs(predict(network(2000.0), images, precision="bfloat16") - exact).max() > rounding.TOLERANCE
    np.testing.assert_allclose(predict(network(2000.0), images), exact, atol=1e-6)


def test_bfloat16_stays_where_it_is_good_and_is_tried_once_for_networks_of_a_kind(tried):
    images = pictures(20)[0]
    first, second = Predictor(network(0.0)), Predictor(network(0.5))
    answers = predict(first, images)
    predict(first, images)
    predict(second, images)
    assert tried == [rounding.TRIED_ON]
    assert first.dtype == second.dtype == torch.bfloat16
    np.testing.assert_array_equal(answers, predict(network(0.0), images, precision="bfloat16"))
    predict(network(0.0), pictures(20, size=48)[0])
    assert tried == [rounding.TRIED_ON] * 2


def test_few_images_are_tried_until_they_are_enough(tried):
    for _ in range(6):
        predict(network(0.0), pictures(4)[0][:10])
    assert tried == [10, 10, 10, 10]


def test_a_network_that_fails_leaves_others_of_its_kind_fast(tried):
    images = pictures(20)[0]
    predict(network(2000.0), images)
    predict(network(2000.0), images)
    assert tried.count(rounding.TRIED_ON) == 2  # besides the images themselves
    later = Predictor(network(0.0))
    predict(later, images)
    assert later.dtype == torch.bfloat16


def test_a_precision_that_was_asked_for_is_not_tried(tried):
    predictor = Predictor(network(2000.0), precision="bfloat16")
    predict(predictor, pictures(20)[0])
    assert not tried
    assert predictor.dtype == torch.bfloat16


@pytest.mark.parametrize("scale", [30, 1000])
def test_a_network_with_larger_logits_is_tried_anew_whatever_was_predicted_before(scale):
    """Where probabilities are saturated, hardly one of the images tried shows what rounding does to those near a border."""
    images = pictures(60)[0][:60]  # of one class, told apart by noise alone
    model = network()
    with torch.no_grad():
        model.classifier.bias.sub_(model(normalise(model, torch.from_numpy(images))).mean(0))
        model.classifier.weight.mul_(scale)
        model.classifier.bias.mul_(scale)
    exact = predict(model, images, precision="float32")
    assert np.abs(predict(model, images, precision="bfloat16") - exact).max() > rounding.TOLERANCE
    predict(network(), images)
    np.testing.assert_allclose(predict(model, images), exact, atol=1e-4)


def test_what_has_no_bfloat16_answers_in_float32():
    model = network()
    model.classifier = torch.nn.Sequential(OnlyFloat32(), model.classifier)
    images = pictures(20)[0]
    exact = predict(model, images, precision="float32")
    np.testing.assert_allclose(predict(model, images), exact, atol=1e-6)


class OnlyFloat32(torch.nn.Module):
    """As torch's own local response norm on a CPU."""

    def forward(self, x):
        if x.dtype == torch.bfloat16:
            raise NotImplementedError("\"avg_pool3d_out_frame\" not implemented for 'BFloat16'")
        return x


def test_where_memory_is_full_at_first_fewer_images_are_tried(monkeypatch):
    def full(self, images):
        if len(images) > 8:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return answer(self, images)

    answer, images = Predictor._logits, pictures(20)[0]
    expected = predict(network(), images)
    monkeypatch.setattr(rounding, "_GOOD", {})
    monkeypatch.setattr(Predictor, "_logits", full)
    predictor = Predictor(network())
    np.testing.assert_allclose(predict(predictor, images), expected, atol=0.02)
    assert predictor.dtype == torch.bfloat16


def test_values_that_only_one_kind_of_number_holds_are_infinitely_far():
    nan, one = torch.tensor([[float("nan"), 0.5]]), torch.tensor([[0.5, 0.5]])
    assert rounding.moved(nan, nan) == (0, 0)
    assert rounding.moved(nan, one) == rounding.moved(one, nan) == (float("inf"), float("inf"))
    assert rounding.moved(one, one + 0.25) == (0, 0)


def test_one_image_in_ten_may_have_logits_that_move():
    exact = torch.zeros(20, 2)
    exact[:2] = torch.tensor([40.0, -40.0])  # sure, whatever rounding does
    rounded = exact.clone()
    rounded[:2, 0] += 4
    assert rounding.moved(rounded, exact) == pytest.approx((0, 0))
    rounded[2, 0] += 4
    assert rounding.moved(rounded, exact)[1] == 2  # centred, each of two classes moves by half
