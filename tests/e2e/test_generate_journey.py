"""A network of one's own in a real browser: begun, met again after a reload, cancelled, gone on with."""

import re

from tests.core import tiny
from tests.e2e.browser import MARKS, app, chromium, visitor

pytestmark = MARKS
FORM = "generate?new-data=colours&new-size=32&new-epochs=400&new-batch=8"


def test_a_job_survives_a_reload_and_a_cancelled_one_goes_on_from_its_last_epoch(tmp_path):
    data = tiny.write_pictures(tmp_path / "data")
    with (
        app(PRUNESCOPE_DATA=str(data), PRUNESCOPE_SINGLE_USER="1", OMP_NUM_THREADS="1", CUDA_VISIBLE_DEVICES="") as url,
        chromium() as browser,
        visitor(browser) as page,
    ):
        page.goto(f"{url}/{FORM}")
        page.get_by_role("button", name="Make it").click()
        page.get_by_text(re.compile(r"epoch [1-9][\d.]* of 400")).wait_for()
        page.reload()
        page.get_by_text(re.compile(r"epoch [1-9][\d.]* of 400")).wait_for()
        page.get_by_role("button", name="Cancel", exact=True).click()
        page.get_by_text("Cancelled").first.wait_for()
        page.get_by_role("button", name="Resume").click()
        page.get_by_text(re.compile(r"epoch ([2-9]|\d\d)[\d.]* of 400")).wait_for()
        page.get_by_role("button", name="Cancel", exact=True).click()
        page.get_by_text("Cancelled").first.wait_for()
