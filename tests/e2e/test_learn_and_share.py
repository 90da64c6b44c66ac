"""A clinician's question, a student's lesson, a report that is passed on, a picture of one's own: in a real browser."""

import re

from PIL import Image

from tests.e2e.browser import MARKS, SENTENCE, visitor

pytestmark = MARKS


def test_the_first_page_says_how_many_melanomas_are_missed_and_leads_to_whom(page, address):
    page.goto(address)
    page.get_by_text("Whom does the pruned network miss?").wait_for()
    first = page.get_by_role("heading", name=SENTENCE)
    first.wait_for()
    said = first.inner_text()
    page.get_by_role("link", name="See whom, and slide the sparsity").click()
    page.wait_for_url(re.compile("what_if.*diagnosis=mel"))
    page.get_by_text(re.compile("images of melanoma got another answer")).wait_for()
    assert page.get_by_role("heading", name=SENTENCE).inner_text() == said


def test_a_student_guesses_sees_the_answer_and_goes_on_elsewhere(page, address, browser):
    page.goto(f"{address}/learn")
    page.get_by_text("Predict.").wait_for()
    assert page.get_by_text("Answer.").count() == 0
    page.get_by_text("not for diagnosis").wait_for()  # the end of the page: nothing is drawn again from here on
    slider = page.get_by_role("slider")
    slider.focus()
    slider.press("ArrowRight")
    page.get_by_text("51%", exact=True).first.wait_for()
    page.wait_for_timeout(600)  # Streamlit sends a slider's value once it has rested for a moment
    page.get_by_role("button", name="Commit, and show the answer").click()
    page.get_by_text("You said 51%").wait_for()
    page.wait_for_url(re.compile("done=a51"))
    page.wait_for_function("document.activeElement.matches('.st-key-learn-guess')")
    page.reload()
    page.get_by_text("You said 51%").wait_for()
    page.get_by_role("button", name="Next: 2. Why the smallest weights").click()
    page.get_by_role("heading", name="Why the smallest weights").wait_for()
    page.wait_for_url(re.compile("lesson=magnitude"))
    page.wait_for_function("document.activeElement.matches('.st-key-learn-top')")
    assert 0 <= page.get_by_role("heading", name="Why the smallest weights").bounding_box()["y"] < 200
    with visitor(browser) as other:
        other.goto(page.url)
        other.get_by_role("heading", name="Why the smallest weights").wait_for()
        other.get_by_text("1 of 7 lessons done").wait_for()


def test_a_report_opens_offline_with_its_charts_and_fetches_nothing(page, address, browser, tmp_path):
    page.goto(f"{address}/what_if?method=one_shot&sparsity=85&diagnosis=mel")
    page.get_by_role("heading", name=SENTENCE).wait_for()
    said = re.sub(r"\s+", " ", page.get_by_role("heading", name=SENTENCE).inner_text())
    with page.expect_download() as download:
        page.get_by_role("button", name="Report").click()
    file = tmp_path / "report.html"
    download.value.save_as(file)
    assert download.value.suggested_filename == "prunescope-ham10000-64-vgg16-one_shot-85.html"
    context = browser.new_context(offline=True, viewport={"width": 390, "height": 844})
    reader, complaints, fetched = context.new_page(), [], []
    reader.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    reader.on("pageerror", lambda error: complaints.append(str(error)))
    reader.on("request", lambda request: fetched.append(request.url))
    reader.goto(file.as_uri())
    reader.locator("figure svg.marks").nth(2).wait_for()
    assert said in re.sub(r"\s+", " ", reader.inner_text("body"))
    assert reader.get_by_text("python -m core prune ham10000-64/vgg16 one_shot 0.8").is_visible()
    assert reader.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert complaints == []
    assert fetched == [file.as_uri()]
    context.close()


def test_a_picture_of_ones_own_is_answered_and_explained(page, address, tmp_path):
    picture = tmp_path / "mole.png"
    Image.radial_gradient("L").convert("RGB").save(picture)
    page.goto(f"{address}/attribution?source=upload")
    page.get_by_text("Your picture stays in this server's memory").wait_for()
    maps = page.get_by_role("img", name=re.compile("map|attribution", re.I))
    assert maps.count() == 0
    page.locator("input[type=file]").set_input_files(picture)
    maps.first.wait_for()
    assert "mole" not in page.url
