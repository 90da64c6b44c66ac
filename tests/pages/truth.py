"""What the views of What if must say of the networks that ship, reckoned from their stored answers."""

import pandas as pd

from core import paths, responses
from core.cohort import Cohort

STUDY = "ham10000-64/vgg16"


class Truth:
    """The stored answers of one-shot pruning at 80%, a trained checkpoint, lesion by lesion."""

    def __init__(self):
        path = paths.of(STUDY)["one_shot"]
        self.test = Cohort.load(responses.cohort_path(path.dense))
        self.card = path.dense.card
        self.dense = responses.read(path.dense).at(0.0, False)
        self.pruned = responses.read(path.start(0.8)).at(0.8, False)
        lesions = (
            pd.DataFrame({"lesion": self.test.groups, "truth": self.test.labels}).groupby("lesion")["truth"].first()
        )
        self.truth = lesions.to_numpy()
        self.means = [pd.DataFrame(p).groupby(self.test.groups).mean().to_numpy() for p in (self.dense, self.pruned)]
        self.found = [means.argmax(1) == self.truth for means in self.means]

    def index(self, name: str) -> int:
        return self.test.class_names.index(name)
