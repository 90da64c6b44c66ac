"""What takes long on the page Attribution tells how far it is, can be cancelled, and be asked for again."""

from contextlib import contextmanager

from core import data
from core.progress import Progress
from pages.components import similarity_live
from tests.pages.attribution.conftest import PAGE, shown
from tests.pages.opening import opened, texts


def maps(app) -> list[str]:
    return [alt for alt in shown(app) if alt.startswith("Saliency of the network")]


def test_batch_norm_of_each_network_is_told_and_the_maps_can_be_cancelled(study, monkeypatch):
    stages, stops = [], []

    @contextmanager
    def progress(stop=None, *, after=0.0):
        stops.append(stop)
        yield lambda moment: stages.append(moment.stage)

    monkeypatch.setattr(similarity_live, "progress", progress)
    image = data.load("colours", "test", size=32).ids[7]
    app = opened(PAGE, explain="saliency", image=image, sparsity=30)
    assert any(stage.startswith("Batch norm of Iterative, 30%") for stage in stages)
    assert len(maps(app)) == 2
    app.session_state["attribution-stopped"] = stops[-1].args[0]
    app.run()
    assert "You cancelled the maps" in texts(app)
    assert not maps(app)
    (again,) = [button for button in app.button if button.key == "attribution-again"]
    again.click().run()
    assert len(maps(app)) == 2
    assert "You cancelled" not in texts(app)


def test_the_button_to_cancel_comes_only_after_a_while(monkeypatch):
    pressed, now = [], [0.0]
    monkeypatch.setattr(similarity_live.time, "monotonic", lambda: now[0])

    class Place:
        def button(self, label, **given):
            pressed.append(label)

        def progress(self, fraction, text):
            pass

        def empty(self):
            pass

    monkeypatch.setattr(similarity_live.st, "empty", Place)
    with similarity_live.progress(lambda: None, after=1.5) as report:
        report(Progress("Mapping", 1, 4))
        assert not pressed
        now[0] = 2.0
        report(Progress("Mapping", 2, 4))
        report(Progress("Mapping", 3, 4))
    assert pressed == ["Cancel"]
