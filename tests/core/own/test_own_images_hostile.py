"""Zips of images that mean harm, or hold any bytes, are refused by name, fast and in little memory."""

import subprocess
import sys
import time
import tracemalloc
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import files, own
from core.errors import InvalidValue, PruneScopeError, UnsafeFile
from tests.core.own import hostile
from tests.core.own.conftest import ANNA

pytestmark = pytest.mark.usefixtures("own_data")


@pytest.mark.parametrize("name", hostile.CORPUS)
def test_what_means_harm_is_refused_by_name_and_nothing_is_kept(name, tmp_path):
    write, kind, said = hostile.CORPUS[name]
    path = write(tmp_path / "up.zip")
    start = time.process_time()
    tracemalloc.start()
    try:
        with pytest.raises(kind, match=said) as caught:
            own.add_images(path, "mine", ANNA)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 80e6
    assert time.process_time() - start < 20
    assert not {"\x1b", "[", "`"} & set(str(caught.value))
    assert str(tmp_path) not in str(caught.value)
    assert "\u202e" not in str(caught.value)
    assert not files.data_root().exists() or not list(files.data_root().iterdir())
    assert own.listing() == []


def test_a_million_files_are_refused_in_a_process_with_little_memory(tmp_path):
    path = hostile.million(tmp_path / "up.zip")
    script = (
        "import resource, sys\nfrom pathlib import Path\nfrom core.own import zips\nfrom core.errors import FileTooLarge\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: zips.screen(Path(sys.argv[1]))\nexcept FileTooLarge: pass\nelse: sys.exit('taken')\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], cwd=files.PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 20_000  # KB


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=6)), min_size=1, max_size=4))
def test_any_bytes_altered_are_looked_at_or_refused_by_name(changes, tmp_path):
    path = tmp_path / "fuzz.zip"
    content = bytearray(_good(tmp_path))
    for place, value in changes:
        at = int(place * (len(content) - 1))
        content[at : at + len(value)] = value
    path.write_bytes(bytes(content))
    try:
        look = own.look_at_images(path)
    except PruneScopeError:
        return
    assert 1 <= look.images <= 26


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=5))
def test_any_names_are_looked_at_or_refused_by_name(names, tmp_path):
    path = tmp_path / "names.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ["red/a.png", "blue/b.png", *(f"{name}.png" for name in names)]:
            try:
                archive.writestr(name, hostile.png())
            except (UnicodeEncodeError, UserWarning, ValueError, IndexError):
                return  # zipfile does not write this one (a zero byte first is an IndexError in it)
    try:
        look = own.look_at_images(path)
    except PruneScopeError:
        return
    assert all(record["class"].isprintable() for record in look.counts)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=400))
def test_any_bytes_at_all(content, tmp_path):
    path = tmp_path / "bytes.zip"
    path.write_bytes(content)
    with pytest.raises(PruneScopeError):
        own.look_at_images(path)


def _good(tmp_path) -> bytes:
    path = tmp_path / "good.zip"
    return path.read_bytes() if path.exists() else hostile.good(path).read_bytes()


@pytest.mark.parametrize("name", ["a" + "\u0323" * 9, "\u0323", "a<b>", "é" * 61])
def test_names_of_classes_that_would_spoil_a_page(name, tmp_path):
    with pytest.raises(UnsafeFile, match="class has a name that cannot be shown"):
        own.look_at_images(hostile.good(tmp_path / "up.zip", classes=("red", name)))


def test_records_that_were_tampered_with_lead_nowhere(tmp_path):
    own.add_images(hostile.good(tmp_path / "up.zip"), "mine", ANNA)
    folder = files.runs_root() / "own"
    record = (folder / "mine.json").read_text()
    for number, content in enumerate(
        [
            "{",
            "[]",
            "{}",
            record,
            record.replace('"mine"', '"../../x"'),
            record.replace('"images"', '"all"'),
            "[" * 9999,
        ]
    ):
        (folder / f"other{number}.json").write_text(content)
    assert [one.name for one in own.listing()] == ["mine"]
    with pytest.raises(InvalidValue):
        own.remove("../../x", ANNA)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    header=st.lists(
        st.sampled_from(["file", "class", "patient", "split", "id", "age", "", "Label"]), min_size=1, max_size=6
    ),
    values=st.lists(
        st.sampled_from(["1", "2.png", "images/3", "", "red", "blue", "train", "test", '"', "\0", "x\r\ny"]),
        max_size=90,
    ),
    folders=st.booleans(),
)
def test_any_table_is_a_list_or_refused_by_name(header, values, folders, tmp_path):
    width = len(header)
    rows = [",".join(header), *(",".join(values[start : start + width]) for start in range(0, len(values), width))]
    if folders:
        path = hostile.good(tmp_path / "table.zip", extra=[("labels.csv", "\n".join(rows))])
    else:
        path = hostile.listed(*rows)(tmp_path / "table.zip")
    try:
        look = own.look_at_images(path)
    except PruneScopeError:
        return
    assert 2 <= look.images <= 24
    assert len(look.counts) >= 2
