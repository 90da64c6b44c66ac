"""A small CIFAR-100 in both of its forms, the official one pickled as Python 2 did it."""

import hashlib
import io
import pickle
import tarfile
from pathlib import Path
from typing import ClassVar

import numpy as np
from small_sets import encoded, pixels, write_zip

FINE = [f"class_{k:03d}" for k in range(100)]
COARSE = [f"group_{k:02d}" for k in range(20)]


class Python2Pickler(pickle._Pickler):
    """Writes text and bytes as Python 2's ``str``, and NumPy's names and flags of that time."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def __init__(self, file):
        super().__init__(file, protocol=2)

    def save_text(self, value):
        raw = value if isinstance(value, bytes) else value.encode("latin1")
        self.write(pickle.BINSTRING + len(raw).to_bytes(4, "little") + raw)
        self.memoize(value)

    dispatch[str] = dispatch[bytes] = save_text

    def save_global(self, value, name=None):
        if getattr(value, "__name__", "") == "_reconstruct":
            self.write(b"cnumpy.core.multiarray\n_reconstruct\n")
            self.memoize(value)
        else:
            super().save_global(value, name)

    def reducer_override(self, value):
        if isinstance(value, np.dtype):
            return np.dtype, (value.str[1:], 0, 1), value.__reduce__()[2]
        return NotImplemented


def python2(value: object) -> bytes:
    file = io.BytesIO()
    Python2Pickler(file).dump(value)
    return file.getvalue()


def images() -> dict[str, dict[str, np.ndarray]]:
    """``{"train": {"class/stem": pixels}, "test": …}``: 5 and 1 a class; two of train equal one of test."""
    parts = {"train": {}, "test": {}}
    for k, name in enumerate(FINE):
        for number in range(6):
            part = "test" if number == 5 else "train"
            parts[part][f"{name}/thing_s_{number:06d}"] = pixels(1000 * k + number, 32, 32)
    for number, (copy, name) in enumerate(
        (("class_003/thing_s_000001", FINE[7]), ("class_050/thing_s_000000", FINE[50]))
    ):
        assert copy in parts["train"], number
        parts["train"][copy] = parts["test"][f"{name}/thing_s_000005"]
    return parts


def write_zips(folder: Path, *, coarse: bool = True) -> Path:
    parts = images()
    files = {"test.zip": parts["test"]}
    for k in range(5):
        files[f"train_{k}.zip"] = {n: a for n, a in parts["train"].items() if n.endswith(str(k))}
    lines = ["archive,split,member,fine_label,coarse_label"]
    for file, members in files.items():
        write_zip(folder / file, {f"{name}.webp": encoded(array, "WEBP") for name, array in members.items()})
        lines += [f"{file},x,{n}.webp,{int(n[6:9])},{int(n[6:9]) % 20}" for n in members]
    if coarse:
        (folder / "labels.csv").write_text("\n".join(lines) + "\n")
        (folder / "coarse_names.txt").write_text("\n".join(COARSE) + "\n")
    return folder


def official_files() -> dict[str, bytes]:
    """``train``, ``test`` and ``meta``, in an order of their own."""
    files = {"meta": python2({"fine_label_names": FINE, "coarse_label_names": COARSE})}
    for part, members in images().items():
        names = sorted(members, key=lambda name: hashlib.sha256(name.encode()).digest())
        fine = [int(name[6:9]) for name in names]
        entry = {
            "filenames": [f"{name.split('/')[1]}.png" for name in names],
            "batch_label": f"{part} batch 1 of 1",
            "fine_labels": fine,
            "coarse_labels": [label % 20 for label in fine],
            "data": np.stack([members[name].transpose(2, 0, 1).reshape(-1) for name in names]),
        }
        files[part] = python2(entry)
    return files


def md5s(files: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.md5(raw, usedforsecurity=False).hexdigest() for name, raw in files.items()}


def write_tar(path: Path, files: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, raw in files.items():
            member = tarfile.TarInfo(f"cifar-100-python/{name}")
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
    return path
