"""The page "Your own" in Streamlit's test runner: files are uploaded, kept, measured and deleted for real."""

import io
from pathlib import Path

import pytest
import torch
from safetensors.torch import save
from streamlit.testing.v1 import AppTest

from core import checkpoints, files, own
from core.models import build
from tests.core import tiny
from tests.core.no_room import full
from tests.core.own import hostile
from tests.pages import opening
from tests.pages.opening import PAGES

PAGE = "pages/bring.py"


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tiny.write_pictures(tmp_path / "data")))
    with tiny.registered():
        yield


def opened(page: str | None = PAGE, **query) -> AppTest:
    return opening.opened(page, **query)


def texts(app: AppTest) -> str:
    kinds = (app.title, app.markdown, app.caption, app.info, app.warning, app.error, app.success, app.text)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def press(app: AppTest, label: str) -> AppTest:
    (button,) = [one for one in app.button if one.label == label]
    button.click().run()
    assert not app.exception
    return app


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def upload(app: AppTest, name: str, content: bytes) -> AppTest:
    app.file_uploader[0].set_value((name, content, "application/octet-stream")).run()
    assert not app.exception
    return app


def weights(classes: int = 3) -> dict:
    torch.manual_seed(0)
    return {
        name: tensor for name, tensor in build("vgg16", classes).state_dict().items() if name not in ("mean", "std")
    }


def zipped(tmp_path, **options) -> bytes:
    return hostile.good(tmp_path / "up.zip", 30, **options).read_bytes()


def test_images_are_shown_kept_offered_and_deleted(tmp_path):
    app = upload(opened(), "My Moles.zip", zipped(tmp_path, extra=[("red/x.png", b"?")]))
    assert {metric.label: metric.value for metric in app.metric}["Images"] == "60"
    assert "red/x.png" in texts(app)
    press(app, "Keep as a data set")
    assert "my-moles is kept" in texts(app)
    assert "from My Moles.zip" in texts(app)
    assert not app.file_uploader[0].value  # empty for the next
    generate = opened("pages/generate.py", **{"new-data": "my-moles"})
    (images,) = [one for one in generate.selectbox if one.label == "Images"]
    assert images.value == "my-moles"
    press(app, "Delete")
    assert "This cannot be undone" in texts(app)
    press(app, "Keep it")
    assert "This cannot be undone" not in texts(app)
    press(press(app, "Delete"), "Delete for good")
    assert "Nothing yet" in texts(app)
    assert own.listing() == []
    assert not (files.data_root() / "my-moles.zip").exists()


def test_images_with_a_list_are_shown_with_their_patients(tmp_path):
    rows = [f"{number},{('red', 'blue')[number % 2]},P{number // 2}" for number in range(24)]
    content = hostile.listed("image,dx,patient", *rows)(tmp_path / "up.zip").read_bytes()
    app = upload(opened(), "Clinic.zip", content)
    assert "Sorted by the list labels.csv: classes by its column dx; images of one patient stay together" in texts(app)
    assert app.dataframe[0].value["Patients or lesions"].tolist() == [12, 12]
    press(app, "Keep as a data set")
    assert "clinic is kept" in texts(app)


@pytest.mark.parametrize(
    "name",
    ["a list with a name that is a link", "bomb", "up", "symlink", "a million files", "text", "only other files"],
)
def test_a_hostile_zip_is_refused_in_words(name, tmp_path):
    write, _, said = hostile.CORPUS[name]
    app = upload(opened(), "x.zip", write(tmp_path / "up.zip").read_bytes())
    assert said in app.error[0].value
    assert "Keep as a data set" not in labels(app)
    assert "Traceback" not in texts(app)


def test_a_full_folder_for_temporary_files_is_named_with_the_way_to_another(tmp_path):
    content, app = zipped(tmp_path), opened()
    with full(1000):
        upload(app, "x.zip", content)
    assert "no room for a temporary file" in app.error[0].value
    assert "TMPDIR" in app.error[0].value


def test_weights_that_fit_are_kept_measured_and_open_in_what_if():
    app = opened(**{"bring": "weights", "new-data": "colours", "new-size": 32})
    upload(app, "theirs.safetensors", save(weights()))
    assert "They fit" in texts(app)
    (name,) = [field for field in app.text_input if field.label == "Name"]
    name.set_value("theirs-2").run()
    press(app, "Keep as a study")
    assert checkpoints.load("theirs-2-32/vgg16/dense").card.data.name == "colours"
    press(app, "Measure")
    assert checkpoints.load("theirs-2-32/vgg16/dense").card.metrics["accuracy"]["n"] == 18
    assert "Measure" not in labels(app)
    page = opened("pages/what_if.py", study="theirs-2-32/vgg16")
    assert not page.error
    assert page.selectbox[0].value == "theirs-2-32/vgg16"


def test_weights_that_do_not_fit_are_explained():
    state = weights(5)
    del state["features.0.weight"]
    buffer = io.BytesIO()
    torch.save(state, buffer)
    app = upload(opened(**{"bring": "weights", "new-data": "colours", "new-size": 32}), "x.pt", buffer.getvalue())
    assert "do not fit" in app.error[0].value
    assert "**5** outputs" in texts(app)
    rows = app.dataframe[0].value
    assert set(rows["What is wrong"]) == {"is missing", "has another shape"}
    assert "features.0.weight" in set(rows["Tensor"])
    assert "Keep as a study" not in labels(app)


def test_a_pickle_is_refused_in_words():
    buffer = io.BytesIO()
    torch.save({"a": print}, buffer)
    app = upload(opened(bring="weights"), "x.pt", buffer.getvalue())
    assert app.error[0].value.startswith("**The file ")  # not by the name that it had on the disk for a moment
    assert "could run code" in app.error[0].value


def test_a_wrong_normalisation_or_order_is_said_and_nothing_is_kept():
    app = opened(**{"bring": "weights", "new-data": "colours", "new-size": 32, "new-normalisation": "own"})
    upload(app, "x.safetensors", save(weights()))
    (mean,) = [field for field in app.text_input if field.label.startswith("Mean")]
    mean.set_value("a, b").run()
    assert "Mean is three numbers" in app.error[0].value
    mean = next(field for field in app.text_input if field.label.startswith("Mean"))
    mean.set_value("0.5, 0.5, 0.5").run()
    app.text_area[0].set_value("red, green").run()
    press(app, "Keep as a study")
    assert "not an order of the classes" in app.error[0].value
    assert own.listing() == []


def test_another_visitor_sees_it_and_cannot_delete_it(tmp_path):
    mine = press(upload(opened(), "a.zip", zipped(tmp_path)), "Keep as a data set")
    theirs = opened()
    assert "another user's" in texts(theirs)
    assert "Delete" not in labels(theirs)
    again = opened(owner=mine.query_params["owner"])
    assert "Delete" in labels(again)


@pytest.mark.parametrize("query", [{"bring": "x"}, {"bring": "weights", "new-data": "../x"}, {"new-size": "1e9"}])
def test_a_link_with_nonsense_opens_the_page_as_it_comes(query):
    app = opened(**query)
    assert not app.error
    assert "Nothing yet" in texts(app)


def test_a_read_only_app_has_no_such_page(monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_READ_ONLY", "1")
    app = opened(None)
    with pytest.raises(ValueError, match="bring"):
        app.switch_page(PAGE).run()
    app = AppTest.from_file(Path(__file__).parents[2] / PAGE, default_timeout=60)
    app.session_state["_inside_app"] = True
    app.run()
    assert "for looking only" in app.info[0].value
    assert not app.file_uploader


@pytest.mark.parametrize("page", [page for page in PAGES if page != "bring"])
def test_a_study_of_brought_weights_that_were_not_measured_opens_on_every_page(page, tmp_path):
    from safetensors.torch import save_file

    from core import jobs

    save_file(weights(), tmp_path / "x.safetensors")
    how = {"trained_on": "colours", "size": 32, "architecture": "vgg16"}
    own.add_weights(tmp_path / "x.safetensors", "theirs", jobs.owner_of("anna"), **how)
    app = opened(None if page == "overview" else f"pages/{page}.py", study="theirs-32/vgg16")
    assert "Something went wrong" not in texts(app)
    assert "Traceback" not in texts(app)


def test_what_does_not_fit_says_what_it_is_instead():
    app = opened(**{"bring": "weights", "new-data": "colours", "new-size": 32})
    upload(app, "x.safetensors", save(weights() | {"mean": torch.zeros(3)}))
    assert "All else fits" in texts(app)
    theirs = {name: tensor for name, tensor in build("densenet169", 3).state_dict().items() if tensor.dim() < 4}
    theirs |= {name: t.half() for name, t in build("densenet169", 3).state_dict().items() if t.dim() == 4}
    upload(app, "y.safetensors", save(theirs))
    assert "holds the tensors of a **DenseNet169**" in texts(app)
    assert not app.dataframe
    upload(app, "z.safetensors", save({f"layer1.{n}.conv1.weight": torch.zeros(2, 2) for n in range(9)}))
    assert "neither a VGG16 nor a DenseNet169" in texts(app)


def test_a_network_that_was_pruned_before_is_said_to_be_where_it_is_kept_and_on_what_if():
    state = weights()
    state["features.4.weight"][:] = 0
    app = upload(
        opened(**{"bring": "weights", "new-data": "colours", "new-size": 32}), "theirs.safetensors", save(state)
    )
    press(app, "Keep as a study")
    said = "of this network's weights were zero when it was brought"
    assert said in app.success[0].value
    page = opened("pages/what_if.py", study="theirs-32/vgg16", sparsity=40)
    assert said in texts(page)
    assert "weights are removed (40.0%)" in texts(page)
    page = opened("pages/layers.py", study="theirs-32/vgg16", sparsity=40)
    assert said in texts(page)
    assert "weights are removed (40.0%)" in texts(page)
