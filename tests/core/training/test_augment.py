import itertools

import pytest
import torch
import torch.nn.functional as F

from core.training import AUGMENTATIONS


def images(n=6, height=16, width=16):
    return torch.randn(n, 3, height, width, generator=torch.Generator().manual_seed(5))


def augmented(name, x, seed=0):
    return AUGMENTATIONS[name](x, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", AUGMENTATIONS)
@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_keeps_shape_and_dtype_and_leaves_its_input_alone(name, memory):
    x = images().contiguous(memory_format=memory)
    before = x.clone()
    got = augmented(name, x)
    assert got.shape == x.shape
    assert got.dtype == x.dtype
    assert got.isfinite().all()
    assert torch.equal(x, before)


@pytest.mark.parametrize("name", ["dermoscopy", "objects"])
def test_is_a_function_of_the_generator(name):
    state = torch.random.get_rng_state()
    assert torch.equal(augmented(name, images()), augmented(name, images()))
    assert not torch.equal(augmented(name, images()), augmented(name, images(), seed=1))
    assert torch.equal(state, torch.random.get_rng_state())  # nothing is drawn behind the generator's back


def test_none_changes_nothing():
    assert torch.equal(augmented("none", images()), images())


def test_objects_are_shifted_and_mirrored_and_nothing_else():
    x = images(40)
    padded = F.pad(x, [2] * 4, mode="reflect")
    found = set()
    for number, image in enumerate(augmented("objects", x)):
        ways = [
            (down, right, mirror)
            for down, right, mirror in itertools.product(range(5), range(5), (False, True))
            if torch.equal(
                image, (padded[number].flip(2) if mirror else padded[number])[:, down : down + 16, right : right + 16]
            )
        ]
        assert ways, number
        found.update(ways)
    assert {mirror for *_, mirror in found} == {False, True}
    assert {down for down, *_ in found} == {right for _, right, _ in found} == set(range(5))


def test_dermoscopy_of_an_even_image_changes_only_brightness_and_contrast():
    got = augmented("dermoscopy", torch.full((64, 3, 16, 16), 2.0))
    flat = got.flatten(1)
    assert (flat.max(1).values - flat.min(1).values).max() < 1e-5  # reflection at the border leaves no dark corners
    assert flat.min() >= 2 * 0.9 - 0.1 - 1e-5
    assert flat.max() <= 2 * 1.1 + 0.1 + 1e-5
    assert flat[:, 0].std() > 0.05


def test_dermoscopy_turns_and_mirrors_about_the_centre():
    x = torch.zeros(200, 3, 33, 33)
    x[:, :, 16, 24:28] = 1.0  # a bar to the right of the centre
    got = augmented("dermoscopy", x)[:, 0].clamp(min=0)
    got = got - got.flatten(1).median(1).values.view(-1, 1, 1)  # without the change of brightness
    grid = torch.arange(33.0) - 16
    mass = got.sum((1, 2))
    column, row = (got * grid).sum((1, 2)) / mass, (got * grid[:, None]).sum((1, 2)) / mass
    distance, angle = torch.hypot(column, row), torch.atan2(row, column)
    # 9.5 pixels from the centre, nearer or farther by the zoom of 0.85 to 1.15.
    assert 9.5 / 1.15 - 1 < distance.median() < 9.5 / 0.85 + 1
    assert torch.histc(angle, 4, -torch.pi, torch.pi).min() > 20  # every direction
