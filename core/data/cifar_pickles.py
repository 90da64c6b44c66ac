"""The official files of CIFAR-100, which are pickles: opened only if their checksum is the known one, and then by a reader
that can make nothing but arrays."""

import gzip
import hashlib
import io
import pickle
import tarfile
import zlib
from pathlib import Path

import numpy as np

from core.errors import DataDamaged, PruneScopeError, UnsafeFile

FOLDER = "cifar-100-python"
TAR = "cifar-100-python.tar.gz"
MAX_FILE = 256 * 2**20  # bytes; the largest official one, train, has 155 million
# As in torchvision.datasets.CIFAR100: train_list, test_list and meta.
MD5 = {
    "train": "16019d7e3df5f24257cddd939b257f8d",
    "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
    "meta": "7973b15100ade9c7d40fb424638fde48",
}
_RECONSTRUCT = np.empty(0).__reduce__()[0]


def read_official(place: Path, remedy: str) -> tuple[dict[str, dict], list[str], list[str]]:
    """Read the official archive.

    Args:
        place: ``cifar-100-python.tar.gz``, or the folder that it unpacks to.
        remedy: what to tell the user if something is wrong.

    Returns:
        ``{"train": entry, "test": entry}``, fine names and coarse names. An entry has ``data`` (uint8 [N, 3072]: red, green
        and blue plane), ``filenames``, ``fine_labels`` and ``coarse_labels`` (lists of N).

    Raises:
        DataDamaged: unreadable, or not the official files.
        UnsafeFile: a pickle that asks for more than arrays.
    """
    files = {}
    for name, raw in (_unpacked(place) if place.is_dir() else _packed(place, remedy)).items():
        md5 = hashlib.md5(raw, usedforsecurity=False).hexdigest()
        if md5 != MD5[name]:
            raise DataDamaged(
                f"{name} in {place} is not the official file of CIFAR-100",
                given=f"{len(raw):,} bytes, md5 {md5}",
                expected=f"md5 {MD5[name]}",
                remedy="delete it and get it again; " + remedy,
            )
        files[name] = unpickle(raw, name)
    try:
        meta = files.pop("meta")
        fine, coarse = list(meta["fine_label_names"]), list(meta["coarse_label_names"])
        for name, entry in files.items():
            number = len(entry["filenames"])
            if entry["data"].shape != (number, 3072) or entry["data"].dtype != np.uint8:
                raise ValueError(f"{name} holds {entry['data'].dtype} {entry['data'].shape} for {number} names")
            for labels, known in ((entry["fine_labels"], fine), (entry["coarse_labels"], coarse)):
                if len(labels) != number or not 0 <= min(labels) <= max(labels) < len(known):
                    raise ValueError(f"{name} has labels that do not fit")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataDamaged(f"{place} does not hold what CIFAR-100 should", given=repr(error), remedy=remedy) from error
    return files, fine, coarse


def unpickle(raw: bytes, name: str) -> object:
    """Load a pickle of Python 2 or 3 that is made of plain values and NumPy arrays.

    Raises:
        UnsafeFile: it asks for anything else, which could run code.
        DataDamaged: it is not a whole pickle.
    """
    try:
        return _ArraysOnly(io.BytesIO(raw), encoding="latin1").load()
    except PruneScopeError:
        raise
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise DataDamaged(f"{name} is not a whole pickle", given=f"{type(error).__name__}: {error}") from error


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str):
        if (module.removeprefix("numpy.").lstrip("_"), name) == ("core.multiarray", "_reconstruct"):
            return _RECONSTRUCT
        if (module, name) == ("numpy", "ndarray"):
            return np.ndarray
        if (module, name) == ("numpy", "dtype"):
            return _dtype
        if (module, name) == ("_codecs", "encode"):  # how Python 3 writes bytes for Python 2
            return lambda text, _: text.encode("latin1")
        raise UnsafeFile(
            f"A pickle asks for {module}.{name}, which could run code", expected="arrays and plain values only"
        )


def _dtype(code: str, align: int = 0, copy: int = 1) -> np.dtype:
    # Python 2 wrote 0 and 1, of which today's NumPy warns.
    return np.dtype(code, align=bool(align), copy=bool(copy))


def _unpacked(folder: Path) -> dict[str, bytes]:
    files = {}
    for name in MD5:
        try:
            with (folder / name).open("rb") as file:
                files[name] = file.read(MAX_FILE)
        except OSError as error:
            raise DataDamaged(f"{name} in {folder} cannot be read", given=error) from error
    return files


def _packed(path: Path, remedy: str) -> dict[str, bytes]:
    files = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                folder, _, name = member.name.removeprefix("./").rpartition("/")
                if folder == FOLDER and name in MD5 and member.isfile():
                    files[name] = archive.extractfile(member).read(MAX_FILE)
    except (OSError, EOFError, tarfile.TarError, zlib.error, gzip.BadGzipFile) as error:
        raise DataDamaged(
            f"{path.name} cannot be unpacked",
            given=f"{path} ({error})",
            remedy="delete it and get it again; it may be a download that stopped half way: " + remedy,
        ) from error
    lacking = [name for name in MD5 if name not in files]
    if lacking:
        raise DataDamaged(
            f"{path.name} lacks {', '.join(lacking)}", given=sorted(files), expected=sorted(MD5), remedy=remedy
        )
    return files
