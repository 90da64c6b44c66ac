"""A study is a data set at a size and an architecture: ``ham10000-64/vgg16``. It is what a user picks first."""

import re
from dataclasses import dataclass

from core.errors import InvalidValue, check_choice
from core.models import ARCHITECTURES

TITLES = {
    "ham10000": "HAM10000",
    "cifar100": "CIFAR-100",
    "phantom": "Phantoms",
    "vgg16": "VGG16",
    "densenet169": "DenseNet169",
}
MIN_SIZE, MAX_SIZE = 32, 512
_PATTERN = re.compile(r"(?P<data>[a-z0-9][a-z0-9_.-]*)-(?P<size>\d{1,9})/(?P<architecture>[a-z0-9_]+)")


@dataclass(frozen=True)
class Study:
    """Data set, image size in pixels, and architecture.

    Raises:
        UnknownName: no such architecture.
        InvalidValue: a size that the networks do not take.
    """

    data: str
    size: int
    architecture: str

    def __post_init__(self):
        check_choice("architecture", self.architecture, ARCHITECTURES)
        if not MIN_SIZE <= self.size <= MAX_SIZE:
            raise InvalidValue(
                "These images do not suit the networks",
                given=f"{self.size} pixels",
                expected=f"{MIN_SIZE} to {MAX_SIZE}: smaller ones do not survive the halvings of VGG16 and DenseNet169",
            )

    @classmethod
    def parse(cls, name: str) -> "Study":
        """The study called ``name``.

        Raises:
            InvalidValue: not of the form ``data-size/architecture``, or a size that the networks do not take.
            UnknownName: no such architecture.
        """
        match = _PATTERN.fullmatch(name) if isinstance(name, str) else None
        if not match:
            raise InvalidValue(
                "This is not the name of a study",
                given=repr(name),
                expected="such as ham10000-64/vgg16",
                remedy="`python -m core data` lists the names of data sets; a folder of your own goes by its name in lower case with "
                "- for blanks",
            )
        return cls(match["data"], int(match["size"]), match["architecture"])

    @property
    def name(self) -> str:
        """``data-size/architecture``."""
        return f"{self.data}-{self.size}/{self.architecture}"

    @property
    def title(self) -> str:
        """As people write it: ``HAM10000 (64 px) · VGG16``."""
        return f"{TITLES.get(self.data, self.data)} ({self.size} px) · {TITLES[self.architecture]}"

    def __str__(self) -> str:
        return self.name
