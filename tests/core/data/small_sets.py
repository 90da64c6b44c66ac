"""Small data sets in the layouts that people really have."""

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image


def pixels(seed: int, height: int = 24, width: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def encoded(array: np.ndarray, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind, **({"lossless": True} if kind == "WEBP" else {}))
    return buffer.getvalue()


def picture(seed: int, height: int = 24, width: int = 32, kind: str = "PNG") -> bytes:
    return encoded(pixels(seed, height, width), kind)


def write_zip(path: Path, members: dict[str, bytes], **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def write_folder(path: Path, members: dict[str, bytes]) -> Path:
    for name, data in members.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return path


def class_folders(
    per_class: int = 4, classes=("cat", "dog"), splits=("train", "test"), top: str = ""
) -> dict[str, bytes]:
    """``split/class/number.png`` with a different picture each; ``splits=("",)`` leaves the level out."""
    names = [
        "/".join(filter(None, (top, split, name, f"{number:03d}.png")))
        for split in splits
        for name in classes
        for number in range(per_class)
    ]
    return {name: picture(seed) for seed, name in enumerate(names)}


HAM_COLUMNS = "image_id,lesion_id,dx,dx_type,age,sex,localization"
HAM_CLASSES = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")


def ham_rows(number: int = 60) -> list[str]:
    """Two images a lesion; the first has no age."""
    return [
        f"ISIC_{i:07d},HAM_{i // 2:07d},{HAM_CLASSES[i // 2 % 7]},histo,{'' if i == 0 else f'{30 + i}.0'},male,back"
        for i in range(number)
    ]


def write_ham(folder: Path, rows: list[str] | None = None, header: str = HAM_COLUMNS, masks: bool = True) -> Path:
    """HAM10000 in small: metadata, two zips of images, one of masks."""
    rows = ham_rows() if rows is None else rows
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "HAM10000_metadata.csv").write_text("\n".join([header, *rows]) + "\n")
    ids = list(dict.fromkeys(row.split(",")[0] for row in rows))
    half = len(ids) // 2
    for part, own in ((1, ids[:half]), (2, ids[half:])):
        images = {f"{name}.jpg": picture(ids.index(name), kind="JPEG") for name in own}
        write_zip(folder / f"HAM10000_images_part_{part}.zip", images)
    if masks:
        disc = np.zeros((24, 32), np.uint8)
        disc[6:18, 8:24] = 255
        write_zip(
            folder / "HAM10000_segmentations_lesion_tschandl.zip", {f"{i}_segmentation.png": encoded(disc) for i in ids}
        )
    return folder
