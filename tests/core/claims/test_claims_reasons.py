"""Why a claim cannot be told, in words that are true."""

import numpy as np

from core import claims
from core.evaluation import Interval
from core.replication import Stored, lines
from core.responses import Response
from tests.core.claims.conftest import COHORT, put, right
from tests.core.invented import DIGEST, STUDY, answers, entry


def reasons(entries, stored, sparsity) -> set[str]:
    found = claims.judge(claims.claims(STUDY, [sparsity]), lines(STUDY, entries), stored, "accuracy")
    return {
        item.reason
        for finding in found
        if finding.claim.sparsity == sparsity
        for item in finding.evidence
        if {item.part.first, item.part.second} == {"one_shot", "dense"}
    }


def test_answers_between_two_steps_are_said_to_begin_later(shelf):
    """87.5% is no whole percent: what is stored of it begins with the network pruned on to 88%."""
    dense = put(shelf, f"{STUDY}/dense", 320, epochs=24)
    own = entry(f"{STUDY}/one_shot-87.5", "one_shot", 0.875, parent=dense)
    later = Response(own.card.digest, DIGEST, 0, {(88, False): answers(COHORT.labels, right(300))}, 2)
    stored = Stored(COHORT, lambda one: later if one.id == own.id else shelf.read(one))
    assert reasons([dense, own], stored, 0.875) == {
        f"the answers of {own.id} are stored from 88% on, pruned further, and not at 87.5% itself"
    }


def test_answers_that_are_not_stored_are_said_to_be_so(shelf):
    dense = put(shelf, f"{STUDY}/dense", 320, epochs=24)
    own = entry(f"{STUDY}/one_shot-85", "one_shot", 0.85, parent=dense)
    for known in (None, Response(own.card.digest, DIGEST, 0, {(90, False): answers(COHORT.labels, right(3))}, 2)):
        stored = Stored(COHORT, lambda one, known=known: known if one.id == own.id else shelf.read(one))
        assert reasons([dense, own], stored, 0.85) == {f"the answers of {own.id} are not stored"}


def test_too_few_lesions_for_an_interval_is_not_called_unstored(shelf, monkeypatch):
    dense = put(shelf, f"{STUDY}/dense", 320, epochs=24)
    own = put(shelf, f"{STUDY}/one_shot-80", 300, "one_shot", 0.8, parent=dense)
    stored = Stored(COHORT, shelf.read)
    monkeypatch.setattr(stored, "difference", lambda first, second, measure: Interval.none(np.nan, 2))
    assert reasons([dense, own], stored, 0.8) == {"there are too few lesions for an interval"}
