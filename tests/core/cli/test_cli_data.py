import json

from core import files


def test_data_shows_what_is_there(call, colours):
    code, out, err = call("data")
    assert code == 0
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert lines["colours"].split() == ["colours", "66", "3", str(colours / "colours")]
    assert "not here" in lines["ham10000"]
    assert "data ham10000 --download" in err
    assert "data cifar100 --download" in err
    quiet = call("data", "--quiet")
    assert quiet == (0, out, "")


def test_data_counts_classes_and_splits(call):
    code, out, err = call("data", "colours")
    assert code == 0
    rows = [line.split() for line in out.splitlines() if line]
    assert rows[-5:] == [
        ["class", "train", "validation", "test", "images"],
        ["blue", "12", "4", "6", "22"],
        ["green", "12", "4", "6", "22"],
        ["red", "12", "4", "6", "22"],
        ["all", "36", "12", "18", "66"],
    ]
    assert "train colours-64/vgg16\n" in err


def test_data_of_a_path_says_where_to_train(call, colours, tmp_path, monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path))
    code, _out, err = call("data", colours / "colours")
    assert code == 0
    assert f"train colours-64/vgg16 --data {colours}\n" in err


def test_data_is_prepared_at_a_size(call):
    code, out, err = call("data", "colours", "--size", "48")
    assert code == 0
    assert "at 48×48 pixels" in out
    assert "66/66 images" in err
    assert list(files.cache_root().rglob("*48*"))
    record = json.loads(call("data", "colours", "--size", "48", "--json")[1])
    assert record["prepared_size"] == 48
    assert [row["train"] for row in record["classes"]] == [12, 12, 12]


def test_data_is_downloaded_into_the_root(call, tmp_path, monkeypatch):
    from core.data import download

    asked = []

    def fake(name, root=None, report=None):
        asked.append((name, root))
        return tmp_path

    monkeypatch.setattr(download, "download", fake)
    code, _, err = call("data", "cifar100", "--download", "--data", tmp_path)
    assert asked == [("cifar100", str(tmp_path))]
    assert code == 1  # the fake brought nothing
    assert "CIFAR-100 is not here" in err
