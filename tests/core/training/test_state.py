import json

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from core.errors import StorageFull
from core.training import State, epochs_in, peek, rows_in, state


def trained(seed=0):
    """A network and an optimiser with momentum in it."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 2))
    model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(2):
        model(torch.randn(5, 3, 4, 4)).square().mean().backward()
        optimizer.step()
    return model, optimizer


def momenta(model, optimizer):
    return [optimizer.state[parameter]["momentum_buffer"] for parameter in model.parameters()]


MASKS = {"0": torch.arange(108).reshape(4, 3, 3, 3) % 3 > 0}
HISTORY = [{"epoch": 1, "loss": 0.5}]


def test_gives_back_weights_momentum_and_history(tmp_path):
    model, optimizer = trained()
    State(tmp_path / "s", ["run", 2], {"phase": 2}).save(model, optimizer, MASKS, HISTORY)
    other, its_optimizer = trained(seed=1)
    assert State(tmp_path / "s", ["run", 2]).load(other, its_optimizer) == HISTORY
    for name, value in model.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name
    for one, two in zip(momenta(model, optimizer), momenta(other, its_optimizer), strict=True):
        assert torch.equal(one, two)
        assert one.stride() == two.stride()
    carry, masks = peek(tmp_path / "s")
    assert carry == {"phase": 2}
    assert list(masks) == ["0"]
    assert torch.equal(masks["0"], MASKS["0"])


@pytest.mark.parametrize("name", [["run", 3], ["other", 2], "run"])
def test_another_runs_state_is_not_taken(tmp_path, name):
    State(tmp_path / "s", ["run", 2]).save(*trained(), None, HISTORY)
    model, optimizer = trained(seed=1)
    before = [value.clone() for value in model.state_dict().values()]
    assert State(tmp_path / "s", name).load(model, optimizer) == []
    assert all(torch.equal(a, b) for a, b in zip(before, model.state_dict().values(), strict=True))


def test_no_state_and_a_damaged_one_are_no_state(tmp_path):
    path = tmp_path / "s"
    assert State(path, "run").load(*trained()) == []
    State(path, "run", 5).save(*trained(), MASKS, HISTORY)
    whole = path.read_bytes()
    for size in (0, 7, 100, len(whole) - 1):
        path.write_bytes(whole[:size])
        assert State(path, "run").load(*trained()) == []
        assert peek(path) == (None, {})


@pytest.mark.parametrize(
    "change",
    [
        {"carry": "{broken"},
        {"carry": "[" * 100_000},
        {"carry": '{"phase": "x"}'},
        {"carry": '{"history": 5}'},
        {"carry": '{"history": [{"epoch": "x"}]}'},
        {"carry": '{"history": [{"step": "x", "epoch": 1}]}'},
        {"history": "["},
        {"history": "5"},
        {"history": "[1]"},
        {"history": '[{"loss": 1}]'},
        {"history": '[{"epoch": Infinity}]'},
        {"history": '[{"epoch": -1}]'},
    ],
    ids=lambda change: str(change)[:30],
)
def test_a_whole_file_with_nonsense_in_it_is_no_state(tmp_path, change):
    model, _ = trained()
    metadata = {"name": '"run"', "carry": '{"phase": 1, "history": []}', "history": json.dumps(HISTORY)}
    save_file({f"model.{n}": v.contiguous() for n, v in model.state_dict().items()}, tmp_path / "s", metadata)
    assert State(tmp_path / "s", "run").load(*trained(1)) == HISTORY
    assert (epochs_in(tmp_path / "s"), rows_in(tmp_path / "s")) == (1, [{"phase": 1, "epoch": 1, "loss": 0.5}])
    save_file({f"model.{n}": v.contiguous() for n, v in model.state_dict().items()}, tmp_path / "s", metadata | change)
    assert State(tmp_path / "s", "run").load(*trained(1)) == []
    assert peek(tmp_path / "s") == (None, {})
    assert (epochs_in(tmp_path / "s"), rows_in(tmp_path / "s")) == (0, [])


def test_weights_of_another_network_are_not_taken_and_nothing_is_changed(tmp_path):
    model, _ = trained()
    tensors = {f"model.{name}": value.contiguous() for name, value in model.state_dict().items()}
    metadata = {"name": '"run"', "history": json.dumps(HISTORY)}
    for wrong in ({"model.3.weight": torch.zeros(2, 2)}, {"model.extra": torch.zeros(1)}):
        save_file(tensors | wrong, tmp_path / "s", metadata)
        other, optimizer = trained(1)
        before = [value.clone() for value in other.state_dict().values()]
        assert State(tmp_path / "s", "run").load(other, optimizer) == []
        assert all(torch.equal(a, b) for a, b in zip(before, other.state_dict().values(), strict=True))


def test_without_room_the_older_state_stays(tmp_path, monkeypatch):
    model, optimizer = trained()
    State(tmp_path / "s", "run").save(model, optimizer, None, HISTORY)

    def full(folder, size):
        assert size > 108 * 4
        raise StorageFull("There is no room")

    monkeypatch.setattr(state, "check_space", full)
    with pytest.raises(StorageFull):
        State(tmp_path / "s", "run").save(model, optimizer, None, HISTORY * 2)
    assert State(tmp_path / "s", "run").load(*trained(1)) == HISTORY
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["s"]
