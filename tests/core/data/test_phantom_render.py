import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy import ndimage

from core.data.phantom import CLASSES, RANGES, SIGNS, SIGNS_OF, Parameters, lesion_masks, preset, render, sample
from core.data.phantom.render import blur_reach

# Changes when any pixel does. Then raise core.data.phantom.dataset.VERSION too: prepared arrays and trained networks are of the old.
DIGEST, AT_THE_ENDS = "fb46171833cdca47", "422c6877fb533592"


def digest() -> str:
    state = hashlib.sha256()
    for size in (32, 64, 128):
        drawn = render(
            [*sample(12, 11), *(preset(name, 5).but(view=3, hair=0.6, bubbles=0.5) for name in CLASSES)], size
        )
        for part in (drawn.images, drawn.masks, *drawn.signs.values()):
            state.update(part.tobytes())
    return state.hexdigest()[:16]


def test_same_seed_same_bytes():
    assert digest() == DIGEST


def test_same_bytes_at_the_ends_of_every_range():
    items = []
    for number, (name, ends) in enumerate(RANGES.items()):
        for k, end in enumerate(ends):
            items.append(preset(CLASSES[(number + k) % 7], number).but(**{"view": number, name: end}))
    # Two whose bytes tell whether the distance of two pixels was rounded on the piece or on the whole image.
    items += [sample(41, 7)[number] for number in (6, 40)]
    state = hashlib.sha256()
    for size, some in ((50, items), (192, items[::9])):
        drawn = render(some, size)
        for part in (drawn.images, drawn.masks, *drawn.signs.values()):
            state.update(part.tobytes())
    assert state.hexdigest()[:16] == AT_THE_ENDS


@pytest.mark.parametrize("size", [64, 150])
def test_phantoms_that_share_their_noise_are_as_each_alone(size):
    """One lesion in one photograph with anything else changed, other lesions between, on pieces of different sizes."""
    base = preset("mel", 8).but(view=3, x=0.05, hair=0.3, vignette=0.9)
    changes = [
        {},
        {"diameter": 0.95},
        {"border": 1.0},
        {"skin": 6.0, "colour": 1.0},
        {"asymmetry": 0.0},
        {"globules": 1.0},
    ]
    items = [base.but(**change) for change in changes]
    items = [*items[:2], preset("bcc", 8), *items[2:], base.but(view=4), base.but(view=4, lacunae=1.0)]
    together = render(items, size)
    for row, item in enumerate(items):
        alone = render(item, size)
        np.testing.assert_array_equal(together.images[row], alone.images[0])
        np.testing.assert_array_equal(together.masks[row], alone.masks[0])
        for name, mask in together.signs.items():
            np.testing.assert_array_equal(mask[row], alone.signs[name][0] if name in alone.signs else False)


def test_same_bytes_whatever_the_processor_can_do():
    from numpy._core._multiarray_umath import __cpu_baseline__, __cpu_dispatch__, __cpu_features__

    extra = [name for name in __cpu_dispatch__ if __cpu_features__.get(name) and name not in __cpu_baseline__]
    if not extra:
        pytest.skip("NumPy uses nothing here that it could do without")
    script = (
        "import sys; sys.path.insert(0, 'tests/core/data'); import test_phantom_render as t\n"
        "from numpy._core._multiarray_umath import __cpu_features__ as f\n"
        f"assert not any(f[name] for name in {extra}); print(t.digest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": ".", "NPY_DISABLE_CPU_FEATURES": " ".join(extra)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == DIGEST, done.stderr


def test_shapes_and_types():
    items = [preset("mel"), preset("nv"), Parameters()]
    drawn = render(items, 48)
    assert (drawn.images.shape, drawn.images.dtype) == ((3, 48, 48, 3), np.uint8)
    assert (drawn.masks.shape, drawn.masks.dtype) == ((3, 48, 48), bool)
    assert list(drawn.signs) == [name for name in SIGNS if name in SIGNS_OF["mel"] + SIGNS_OF["nv"]]
    assert not any(mask[2].any() for mask in drawn.signs.values())
    np.testing.assert_array_equal(lesion_masks(items, 48), drawn.masks)


def test_one_alone_is_as_among_many():
    items = sample(6, 9, views=1.0)
    together = render(items, 64)
    for row, item in enumerate(items):
        np.testing.assert_array_equal(render(item, 64).images[0], together.images[row])


@pytest.mark.parametrize("size", [32, 64, 100, 256])
def test_the_same_at_any_size(size):
    items = [preset(name, 2) for name in CLASSES]
    here, reference = render(items, size), render(items, 128)
    for a, b, c, d in zip(here.images, reference.images, here.masks, reference.masks, strict=True):
        zoom = ndimage.zoom(b.astype(float), (size / 128, size / 128, 1), order=1, grid_mode=True, mode="nearest")
        soft, own = (ndimage.gaussian_filter(x.astype(float), (size / 24, size / 24, 0)) for x in (zoom, a))
        assert np.abs(soft - own).mean() < 2
        assert c.mean() == pytest.approx(d.mean(), rel=0.03)


@pytest.mark.parametrize("size", [32, 64, 128, 192])
@pytest.mark.parametrize("sign", SIGNS)
def test_a_sign_changes_pixels_only_where_its_mask_is(sign, size):
    name = next(key for key, signs in SIGNS_OF.items() if sign in signs)
    item = preset(name, 3).but(hair=0.4, blur=1.0, **{sign: 0.9})
    present, absent = render(item, size), render(item.without(sign), size)
    changed = (present.images[0] != absent.images[0]).any(-1)
    mask = present.signs[sign][0]
    reach = blur_reach(size)
    assert mask.any()
    assert not (changed & ~ndimage.binary_dilation(mask, np.ones((3, 3)), iterations=reach)).any()
    assert changed[mask].mean() > 0.6
    assert sign not in absent.signs
    np.testing.assert_array_equal(present.masks, absent.masks)
    for other, own in absent.signs.items():
        np.testing.assert_array_equal(own, present.signs[other])
    near = ndimage.binary_dilation(present.masks[0], iterations=max(2, round(0.09 * size)))
    assert (mask & near).sum() > 0.97 * mask.sum()


def test_strength_makes_a_sign_clearer():
    for sign in SIGNS:
        name = next(key for key, signs in SIGNS_OF.items() if sign in signs)
        item = preset(name, 4)
        none, some, full = (render(item.but(**{sign: s}), 64).images[0].astype(int) for s in (0.0, 0.35, 1.0))
        assert 0 < np.abs(some - none).sum() < np.abs(full - none).sum(), sign


def test_the_mask_is_where_the_lesion_is():
    for item in (preset("nv"), preset("bkl"), preset("mel").but(x=0.1, y=-0.12), preset("vasc").but(view=5)):
        with_lesion = render(item.but(sharpness=1.0), 96)
        bare = render(item.but(sharpness=1.0, pigment=0, redness=0, colour=0).without(*item.signs), 96)
        difference = np.abs(with_lesion.images[0].astype(int) - bare.images[0]).sum(-1) > 24
        mask = with_lesion.masks[0]
        assert (mask & difference).sum() / (mask | difference).sum() > 0.85


def test_the_abcd_rule_is_in_the_mask():
    base = Parameters(seed=8, border=0.0, asymmetry=0.0)
    areas = [lesion_masks(base.but(diameter=d), 128).mean() for d in (0.2, 0.4, 0.8)]
    np.testing.assert_allclose(areas, np.pi / 4 * np.array([0.04, 0.16, 0.64]), rtol=0.2)

    def outline(item):  # perimeter over that of the circle of the same area
        mask = lesion_masks(item, 256)[0]
        return (mask & ~ndimage.binary_erosion(mask)).sum() / np.sqrt(mask.sum())

    def lopsided(item):
        mask = lesion_masks(item, 128)[0]
        y, x = (round(c) for c in ndimage.center_of_mass(mask))
        padded = np.pad(mask, 128)[y : y + 257, x : x + 257]
        return (padded ^ padded[::-1, ::-1]).sum() / mask.sum()

    seeds = range(12)
    small, large = (np.mean([outline(base.but(seed=s, border=b)) for s in seeds]) for b in (0.0, 1.0))
    assert large > 1.15 * small
    small, large = (np.mean([lopsided(base.but(seed=s, asymmetry=a)) for s in seeds]) for a in (0.0, 1.0))
    assert large > 2 * small


def test_another_view_shows_the_same_lesion_turned():
    item = preset("mel", 6).but(vignette=0, lighting=0)
    masks = lesion_masks([item.but(view=view) for view in range(12)], 64)
    turned = {m.tobytes() for k in range(4) for m in (np.rot90(masks[0], k), np.rot90(masks[0], k)[:, ::-1])}
    kinds = {mask.tobytes() for mask in masks}
    assert kinds <= turned
    assert len(kinds) > 3


@pytest.mark.parametrize("name", [n for n in RANGES if n not in ("seed", "view")])
def test_the_ends_of_every_range_can_be_drawn(name):
    for end in RANGES[name]:
        drawn = render(preset("mel", 1).but(**{name: end}), 32)
        assert drawn.images.std() > 3
        assert drawn.masks.any()


def test_darker_skin_is_darker():
    light = [render(Parameters(skin=s, diameter=0.15), 32).images.mean() for s in range(1, 7)]
    assert (np.diff(light) < 0).all()
