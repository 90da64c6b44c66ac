import json

from core import files
from core.checkpoints import write_card
from tests.core import invented
from tests.core.cli_words import STUDY


def test_list_of_nothing_says_how_to_make_something(call, tmp_path):
    code, out, err = call("list", "--checkpoints", tmp_path / "none")
    assert (code, out) == (0, "")
    assert str(tmp_path / "none") in err
    assert "python -m core train" in err
    assert json.loads(call("list", "--json")[1]) == []


def test_list_tells_what_comes_from_another_training_of_its_dense_network(call, tmp_path):
    dense = invented.entry(f"{invented.STUDY}/dense")
    for name, digest in (("iterative", "another"), ("one_shot", dense.card.digest)):
        own = invented.entry(f"{invented.STUDY}/{name}-80", name, 0.8, parent=dense, parent_digest=digest)
        write_card(tmp_path / f"{own.id}.safetensors", own.card, 0)
    write_card(tmp_path / f"{dense.id}.safetensors", dense.card, 0)
    lines = call("list", "--checkpoints", tmp_path)[1].splitlines()
    assert [line.split()[0] for line in lines if "of another dense training" in line] == [
        f"{invented.STUDY}/iterative-80"
    ]
    records = json.loads(call("list", "--json", "--checkpoints", tmp_path)[1])
    assert {record["id"] for record in records if record["another_training"]} == {f"{invented.STUDY}/iterative-80"}


def test_list_shows_the_good_and_the_damaged(call, trained):
    call("prune", STUDY, "one_shot", "0.5", "--epochs", "0")
    broken = files.checkpoint_root() / "colours-32/vgg16/broken.safetensors"
    broken.write_bytes((files.checkpoint_root() / f"{STUDY}/dense.safetensors").read_bytes()[:1000])
    code, out, _err = call("list")
    assert code == 0
    head, rows, tail = out.splitlines()[0], out.splitlines()[1:3], out.partition("cannot be read:")[2]
    assert head.split() == ["id", "method", "sparsity", "balanced", "accuracy", "size"]
    assert rows[0].split()[:3] == [f"{STUDY}/dense", "dense", "0.0%"]
    assert rows[1].split()[:3] == [f"{STUDY}/one_shot-50", "one_shot", "50.0%"]
    assert "], n = 18" in rows[0]
    assert f"{STUDY}/broken (1.0 kB): " in tail
    records = json.loads(call("list", "--json")[1])
    assert [bool(record["error"]) for record in records] == [True, False, False]
    assert call("evaluate", f"{STUDY}/broken")[0] == 1


def test_one_bad_card_does_not_take_down_the_list(call, tmp_path):
    changes = {
        "half": {"metrics": {"balanced_accuracy": {"estimate": 0.5, "low": 0.4, "higi": 0.6, "n": 10, "method": "w"}}},
        "text": {
            "metrics": {"balanced_accuracy": {"estimate": 0.5, "low": 0.4, "high": 0.6, "n": "10", "method": "w"}}
        },
        "huge": {"zeros": 10**400, "weights": 10**400},
        "training": {"recipe": {"training": [1]}},
        "history": {"history": [1]},
    }
    for name, change in {
        "good": {},
        "odd": {"recipe": {"training": {"norm_decay": 1, "decay": "x"}}},
        **changes,
    }.items():
        own = invented.entry(f"{invented.STUDY}/{name}")
        path = write_card(tmp_path / f"{own.id}.safetensors", own.card, 0)
        values = json.loads(path.read_text())
        path.write_text(json.dumps(values | {"card": values["card"] | change}))
    code, out, err = call("list", "--checkpoints", tmp_path)
    assert (code, err) == (0, "")
    good, _, broken = out.partition("cannot be read:")
    assert [line.split()[0] for line in good.splitlines()[1:] if line] == [
        f"{invented.STUDY}/{name}" for name in ("good", "odd")
    ]
    assert [line.split()[0] for line in broken.splitlines() if line] == sorted(
        f"{invented.STUDY}/{name}" for name in changes
    )
    assert len(json.loads(call("list", "--json", "--checkpoints", tmp_path)[1])) == 7
