"""Cards that lie alone: results without weights."""

import json

import pytest

from core import checkpoints
from core.checkpoints.cardfile import card_path
from core.errors import CheckpointNotFound


def only_the_card(saved):
    path = checkpoints.write_card(saved.path, saved.card, saved.size_bytes)
    saved.path.unlink()
    return path


def test_a_card_alone_is_listed_as_results_without_weights(saved, tmp_path):
    (whole,) = checkpoints.list(tmp_path)
    only_the_card(saved)
    (entry,) = checkpoints.list(tmp_path)
    assert whole.weights
    assert not entry.weights
    assert (entry.id, entry.path, entry.size_bytes, entry.card) == (whole.id, whole.path, whole.size_bytes, whole.card)


def test_with_its_weights_beside_it_a_card_counts_for_nothing(saved, tmp_path):
    checkpoints.write_card(saved.path, saved.card, 1)
    (entry,) = checkpoints.list(tmp_path)
    assert entry.weights
    assert entry.size_bytes == saved.size_bytes


def test_loading_a_card_alone_says_how_to_make_the_weights(saved, tmp_path):
    only_the_card(saved)
    with pytest.raises(CheckpointNotFound, match="python -m core reproduce"):
        checkpoints.load(saved.id, root=tmp_path)


def test_the_name_of_a_card_alone_is_kept_for_its_own_run(saved, tmp_path, pruned, card):
    model, masks = pruned()
    only_the_card(saved)
    other = checkpoints.save(model, card(recipe={"another": "run"}), masks=masks, root=tmp_path)
    assert other.path != saved.path
    again = checkpoints.save(model, card(), masks=masks, root=tmp_path)
    assert again.path == saved.path
    assert [entry.weights for entry in checkpoints.list(tmp_path)] == [True, True]


def test_deleting_takes_the_card_too(saved, tmp_path):
    checkpoints.write_card(saved.path, saved.card, saved.size_bytes)
    checkpoints.delete(saved.id, root=tmp_path)
    assert checkpoints.list(tmp_path) == []
    with pytest.raises(CheckpointNotFound):
        checkpoints.delete(saved.id, root=tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"bytes": 1}',
        '{"bytes": -1, "card": {}}',
        '{"bytes": 1' + "0" * 400 + ', "card": {}}',
        '{"bytes": 1, "card": []}',
        "\0" * 40,
        "[" * 10000,
    ],
)
def test_a_damaged_card_is_listed_with_its_error(saved, tmp_path, text):
    path = only_the_card(saved)
    path.write_text(text)
    (entry,) = checkpoints.list(tmp_path)
    assert entry.card is None
    assert card_path(saved.path).name in entry.error


def test_a_card_too_large_is_not_read(saved, tmp_path):
    path = only_the_card(saved)
    values = json.loads(path.read_text())
    path.write_text(json.dumps(values | {"filler": "x" * 5_000_000}))
    (entry,) = checkpoints.list(tmp_path)
    assert "too many for a card" in entry.error
