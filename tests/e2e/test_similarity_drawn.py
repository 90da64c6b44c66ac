"""Matrices of CKA as they are drawn: what the images cannot support is grey in the picture, not only in the table."""

import io

import numpy as np
import pytest
from PIL import Image

from pages.components.similarity_colours import UNSUPPORTED
from tests.e2e.browser import MARKS

pytestmark = MARKS

GREY = np.array([int(UNSUPPORTED[at : at + 2], 16) for at in (1, 3, 5)])


def grey_share(picture: bytes) -> float:
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)
    return float((np.abs(pixels - GREY).max(axis=2) < 6).mean())


@pytest.mark.parametrize(("sample", "grey"), [("all", True), ("typical", False)])
def test_cells_that_the_images_cannot_support_are_drawn_grey(page, address, sample, grey):
    page.goto(f"{address}/similarity?study=ham10000-64/densenet169&sample={sample}")
    page.get_by_text("not for diagnosis").wait_for()  # the end of the page
    charts = page.locator("[data-testid=stVegaLiteChart]:visible")  # not that in the closed expander
    charts.last.wait_for()
    page.wait_for_timeout(1500)  # Vega draws after it is there
    shares = [grey_share(charts.nth(number).screenshot()) for number in (0, 1)]  # small matrices, the large one
    if grey:
        assert min(shares) > 0.1, shares
    else:
        assert max(shares) < 0.02, shares
    assert page.get_by_text("of all cells are grey").count() == grey
