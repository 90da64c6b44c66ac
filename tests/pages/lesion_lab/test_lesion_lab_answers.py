"""What the lesion lab says of the networks' answers, on tiny untrained networks that take drawings."""

import re

import numpy as np
import pandas as pd

from core import checkpoints, evaluation, lab
from core.data.phantom import CLASSES, preset, render
from pages.components import lab_charts, lab_words, look
from tests.core import tiny, tiny_phantoms
from tests.pages.lesion_lab.conftest import opened, shows, texts


def test_it_answers_with_the_numbers_of_the_networks(phantoms):
    app = opened(lesion="bcc.4.b900", against="one_shot")
    lesion = lab.decode("bcc.4.b900")
    image = render(lesion, 32).images
    calls = {}
    for name in ("dense", "one_shot-80"):
        (answer,) = evaluation.predict(checkpoints.load(f"{phantoms}/{name}").model(), image)
        calls[name] = f"**{look.diagnosis(CLASSES[answer.argmax()]).lower()}** ({answer.max():.0%})"
    verb = "stays" if calls["dense"][:9] == calls["one_shot-80"][:9] else "becomes"
    expected = f"The dense network calls it {calls['dense']}; pruned, it {verb} {calls['one_shot-80']}."
    assert expected in texts(app)
    assert shows(app, "bcc.4.b900")
    assert "no interval" in texts(app)


def test_all_methods_are_told_of_together(phantoms):
    app = opened(lesion="mel.2", against="all")
    text = texts(app)
    assert re.search(r"so do all 2 pruned ones|of 2 pruned ones say otherwise|all 2 pruned ones say otherwise", text)
    for name in ("Dense", "Iterative", "One-shot"):
        assert re.search(rf"- \*\*{name}\*\* (never calls|calls) it melanoma", text)


def test_the_sentence_says_where_the_call_changes(phantoms, monkeypatch):
    """A network that calls the lesion a melanoma from a border of 0.3 on, by the answers that it gives."""
    from core.lab import answers

    def predicted(network, images):
        given = np.full((len(images), len(CLASSES)), 0.04, np.float32)
        rising = np.concatenate([[0.0], np.arange(17) / 16])
        given[:, CLASSES.index("mel")] = 0.2 + 0.5 * rising
        given[:, CLASSES.index("nv")] = 0.35
        return given

    monkeypatch.setattr(answers, "predict", predicted)
    text = texts(opened(lesion="mel.2"))
    assert "Border from 0% to 100%:" in text
    assert "- **Dense** calls it melanoma from 30% on." in text
    assert "A mark on a line" in text
    text = texts(opened(lesion="mel.2", call="nv", along="pigment"))
    assert "Melanin from 0% to 200%:" in text
    assert "- **Iterative** calls it naevus up to 60%." in text
    text = texts(opened(lesion="mel.2", call="bcc", along="skin"))
    assert "from type 1.0 to type 6.0" in text
    assert "- **Dense** never calls it basal cell carcinoma (at most 4%)." in text
    assert "A mark on a line" not in text, "there is none"


def test_the_stretches_in_words():
    ends = (0.0, 1.0)
    for found, words in {
        ((0.0, 1.0),): "everywhere",
        ((0.0, 0.3),): "up to 30%",
        ((0.421, 1.0),): "from 42% on",
        ((0.2, 0.45),): "between 20% and 45%",
        ((0.0, 0.1), (0.2, 0.3), (0.9, 1.0)): "up to 10%, between 20% and 30% and from 90% on",
    }.items():
        assert lab_words.stretches("border", ends, list(found)) == words


def test_between_checkpoints_it_says_what_was_not_done(phantoms, monkeypatch):
    usual = lab.calibration
    monkeypatch.setattr(lab, "calibration", lambda card: usual(card, 20))
    app = opened(lesion="nv.3", sparsity=90)
    assert "Iterative pruned on to there **without fine-tuning**" in texts(app)
    assert "re-estimated on 20 newly drawn phantoms" in texts(app)
    raw = texts(opened(lesion="nv.3", sparsity=90, recalibrate="false"))
    assert "without fine-tuning" in raw
    assert "re-estimated" not in raw
    at = texts(opened(lesion="nv.3", sparsity=80))
    assert "without fine-tuning" not in at


def test_a_study_of_photographs_is_asked_on_request_only(monkeypatch, tmp_path):
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "nowhere"))
    with tiny.registered():
        tiny_phantoms.save()
        tiny_phantoms.save("ham10000-32/vgg16", seed=9)
        app = opened(study="ham10000-32/vgg16", lesion="mel.3")
        assert "**Phantoms (32 px) · VGG16**, which learned from drawings" in texts(app)
        assert "HAM10000 (32 px) · VGG16, chosen in the sidebar, learned from photographs" in texts(app)
        before = next(line for line in texts(app).splitlines() if line.startswith("The dense network"))
        app.toggle(key="photographs").set_value(True).run()
        text = texts(app)
        assert "**HAM10000 (32 px) · VGG16 never saw a drawing.**" in text
        (answer,) = evaluation.predict(
            checkpoints.load("ham10000-32/vgg16/dense").model(), render(preset("mel", 3), 32).images
        )
        after = next(line for line in text.splitlines() if line.startswith("The dense network"))
        assert f"**{look.diagnosis(CLASSES[answer.argmax()]).lower()}** ({answer.max():.0%})" in after
        assert after != before
        # Batch norm of such a network needs photographs, which are not here.
        app.slider(key="sparsity").set_value(90).run()
        assert not app.error
        assert "the photographs to re-estimate it on are not on this machine" in texts(app)


def test_a_drawing_picked_because_networks_part_on_it_is_told_as_such(phantoms, monkeypatch):
    from core.lab import answers

    calls = {}
    monkeypatch.setattr(
        answers,
        "predict",
        lambda network, images: np.eye(7, dtype=np.float32)[np.full(len(images), calls[id(network)])],
    )
    usual = answers.ask

    def ask(networks, *args, **more):
        calls.update({id(network): number * apart for number, network in enumerate(networks.values())})
        return usual(networks, *args, **more)

    monkeypatch.setattr(lab, "ask", ask)
    apart = 1
    assert "picked because networks part on it" in texts(opened())
    assert "picked because networks part on it" not in texts(opened(lesion="mel.2"))
    apart = 0
    assert "picked because networks part on it" not in texts(opened()), "they agree"


def test_networks_are_told_apart_without_colour():
    networks = {"Dense": ("#111111", "circle"), "One-shot": ("#222222", "square"), "Iterative": ("#333333", "diamond")}
    rows = [{"label": "Melanoma", "network": name, "probability": 0.5} for name in networks]
    bars = lab_charts.answers(pd.DataFrame(rows), networks, "#000000").to_dict()["layer"][0]["encoding"]
    assert bars["fill"]["scale"]["range"] == ["#11111128", "#222222", "#333333"], "the dense network's bars are hollow"
    assert bars["stroke"]["scale"]["range"] == ["#111111", "#222222", "#333333"]
    rows = [{"value": 0.0, "network": name, "probability": 0.5, "call": "", "called": True} for name in networks]
    spec = lab_charts.along(
        pd.DataFrame(rows), networks, position=0, axis="Border", question="Probability", ink="#000000"
    ).to_dict()
    (dashes,) = [layer["encoding"]["strokeDash"] for layer in spec["layer"] if "strokeDash" in layer["encoding"]]
    assert len({tuple(dash) for dash in dashes["scale"]["range"]}) == len(networks)
    (drawn,) = [rows for rows in spec["datasets"].values() if "mark" in rows[0]]
    assert [row["mark"] for row in drawn] == ["circle", "square", "diamond"]
