"""Images that alone decide what a layer tells apart."""

import numpy as np
import pytest
import torch

from core.models import set_normalisation
from core.similarity import grams, influential
from core.similarity.support import ALONE, shares
from tests.core.similarity.conftest import reference_hsic

FAR = (3, 17)  # in the first channel
ALSO = (30, 31)  # in the last


class Channels(torch.nn.Module):
    """Its layers see the mean of one channel each."""

    def __init__(self, *channels: int):
        super().__init__()
        self.pool = torch.nn.AdaptiveAvgPool2d(1)
        self.parts = torch.nn.ModuleDict({f"channel{index}": torch.nn.Linear(3, 4, bias=False) for index in channels})
        with torch.no_grad():
            for index, (name, part) in enumerate(self.parts.items()):
                torch.manual_seed(index)
                part.weight.copy_(torch.randn(4, 1) * torch.eye(3)[int(name[-1])])

    def forward(self, x):
        flat = self.pool(x).flatten(1)
        return sum(part(flat) for part in self.parts.values())


def network(*channels: int) -> torch.nn.Module:
    return set_normalisation(Channels(*channels), (0.5,) * 3, (0.1,) * 3).eval()


def layers(*channels: int) -> list[str]:
    return [f"parts.channel{index}" for index in channels]


@pytest.fixture
def images() -> np.ndarray:
    """Grey to within a little, but for two images in the first channel and two others in the last; the second has no outlier."""
    random = np.random.default_rng(1)
    found = np.full((48, 8, 8, 3), 120, np.uint8) + random.integers(0, 8, (48, 1, 1, 3)).astype(np.uint8)
    found[list(FAR), ..., 0] = 250
    found[list(ALSO), ..., 2] = 0
    return found


def of(model, images, *channels, **options):
    return grams(model, images, layers=layers(*channels), precision="float32", **options)


def test_a_share_is_what_hsic_owes_to_the_pairs_of_an_image():
    """Against the formula in float64: without image i, the sum over pairs of the others' centred products is smaller by twice its own."""
    x = np.random.default_rng(0).normal(size=(20, 5))
    x[4] *= 6
    products = x @ x.T
    n = len(x)
    np.fill_diagonal(products, 0)
    rows = products.sum(1)
    centred = products - rows[:, None] / (n - 2) - rows / (n - 2) + rows.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(centred, 0)
    assert (centred**2).sum() / (n * (n - 3)) == pytest.approx(reference_hsic(x, x))
    found = shares(torch.from_numpy(centred)).numpy()
    np.testing.assert_allclose(found, (centred**2).sum(1) / (centred**2).sum())
    assert found.sum() == pytest.approx(1)
    assert found.argmax() == 4
    assert shares(torch.zeros(5, 5)).tolist() == [0] * 5


def test_a_layer_that_two_images_decide_is_grey_and_says_so(images):
    found = of(network(0, 1), images, 0, 1)
    assert found.reasons[1] == ""
    assert "48 images cannot show that it tells images apart: 2 of them make up" in found.reasons[0]
    assert "images are needed" in found.reasons[0]


def test_they_are_found_and_without_them_the_layer_can_be_compared(images):
    model = network(0, 1)
    found = influential({"dense": of(model, images, 0, 1)})
    assert {item.row for item in found} == set(FAR)
    assert {(item.network, item.layer) for item in found} == {("dense", "parts.channel0")}
    assert all(ALONE < item.share < 1 for item in found)
    assert found[0].share >= found[1].share
    rest = np.delete(images, [item.row for item in found], axis=0)
    assert of(model, rest, 0, 1).reasons == ("", "")


def test_every_network_is_asked(images):
    both = influential({"dense": of(network(0), images, 0), "pruned": of(network(2), images, 2)})
    assert {item.row for item in both if item.network == "dense"} == set(FAR)
    assert {item.row for item in both if item.network == "pruned"} == set(ALSO)


def test_what_can_be_compared_a_dead_layer_and_the_biased_hsic_take_no_image_away(images):
    assert influential({"dense": of(network(1), images, 1)}) == []
    dead = network(1)
    with torch.no_grad():
        dead.parts["channel1"].weight.zero_()
    found = of(dead, images, 1)
    assert "dead layer" in found.reasons[0]
    assert influential({"dense": found}) == []
    assert influential({"dense": of(network(0), images, 0, debiased=False)}) == []


def test_not_more_than_a_tenth_of_the_images_goes(images):
    few = images[[*FAR, 5, 6, 7, 8, 9]]  # of seven images two would be too many
    found = of(network(0), few, 0)
    assert found.reasons[0]
    assert influential({"dense": found}) == []


def test_lesions_count_as_one(images):
    """Two images of one lesion: leaving it out leaves nothing of the layer, as above; by image the same two are found."""
    lesions = [f"lesion {row}" for row in range(48)]
    lesions[FAR[1]] = lesions[FAR[0]]
    found = influential({"dense": of(network(0), images, 0, groups=lesions)})
    assert {item.row for item in found} == set(FAR)


def test_a_layer_that_can_be_compared_only_thanks_to_what_goes_for_another_is_looked_at_again(images):
    images[..., 2] = 110 + np.random.default_rng(2).integers(0, 30, (48, 1, 1))
    images[[*FAR, *range(20, 25)], ..., 2] = 160
    images[5, ..., 2] = 185
    first, last = of(network(0), images, 0), of(network(2), images, 2)
    assert any(first.reasons)
    assert not any(last.reasons)
    assert any(of(network(2), np.delete(images, FAR, axis=0), 2).reasons)
    found = influential({"dense": first, "pruned": last})
    assert {item.row for item in found if item.network == "dense"} == set(FAR)
    assert found[-1].network == "pruned"
    assert len(influential({"dense": first})) == 2
