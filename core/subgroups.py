"""Groups of patients that a network could serve unequally: by age, sex, body site, skin, and how often a lesion was pictured."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from core.cohort import Cohort

SMALL = 30
"""With fewer lesions than this a group is shown in grey: one lesion more or less moves its share by over three points."""

UNKNOWN = "unknown"
_AGES = {0: "under 30", 30: "30 to 44", 45: "45 to 59", 60: "60 to 74", 75: "75 and older"}
_SKIN = {1: "I", 2: "II", 3: "III", 4: "IV", 5: "V", 6: "VI"}


def of(cohort: Cohort) -> pd.DataFrame:
    """The groups that each image belongs to.

    Args:
        cohort: whose metadata to read.

    Returns:
        [N, kinds], categorical, the index that of the images: as many of the columns age, sex, site, skin and pictures as
        the metadata tell apart; none for most image sets.
    """
    kinds = {name: read(cohort) for name, read in KINDS.items()}
    return pd.DataFrame({name: values for name, values in kinds.items() if values is not None and _tells(values)})


def _tells(values: pd.Categorical) -> bool:
    return len(set(values) - {UNKNOWN}) > 1


def _age(cohort: Cohort) -> pd.Categorical | None:
    if "age" not in cohort.table:
        return None
    years = pd.to_numeric(cohort.table["age"], errors="coerce").to_numpy(float)
    years = np.where(years < 0, np.nan, years)  # some tables write what is not known as -1
    bands = np.array(list(_AGES.values()), object)[np.searchsorted(list(_AGES), np.nan_to_num(years), "right") - 1]
    return pd.Categorical(np.where(np.isnan(years), UNKNOWN, bands), [*_AGES.values(), UNKNOWN])


def _named(column: str) -> Callable[[Cohort], pd.Categorical | None]:
    def read(cohort: Cohort) -> pd.Categorical | None:
        if column not in cohort.table:
            return None
        values = cohort.table[column].fillna(UNKNOWN).astype(str).str.strip().replace("", UNKNOWN).to_numpy(object)
        # The largest first, what is not known last.
        order = [name for name in pd.Series(values).value_counts().index if name != UNKNOWN]
        return pd.Categorical(values, [*order, UNKNOWN])

    return read


def _skin(cohort: Cohort) -> pd.Categorical | None:
    if "fitzpatrick" not in cohort.table:
        return None
    return pd.Categorical(cohort.table["fitzpatrick"].map(_SKIN).fillna(UNKNOWN), [*_SKIN.values(), UNKNOWN])


def _pictures(cohort: Cohort) -> pd.Categorical | None:
    if cohort.groups is None:
        return None
    _, lesion_of, counts = np.unique(cohort.groups, return_inverse=True, return_counts=True)
    return pd.Categorical(np.where(counts[lesion_of] > 1, "several", "one"), ["one", "several"])


KINDS: dict[str, Callable[[Cohort], pd.Categorical | None]] = {
    "age": _age,
    "sex": _named("sex"),
    "site": _named("localization"),
    "skin": _skin,
    "pictures": _pictures,
}
"""Kind -> what reads it from the metadata; None where they do not hold it."""

TITLES = {
    "age": "Age",
    "sex": "Sex",
    "site": "Body site",
    "skin": "Skin type (Fitzpatrick)",
    "pictures": "Images of the lesion",
}
