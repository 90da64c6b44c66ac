"""The body of What if: numbers that come in step by step, drawn into places that are laid out before."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import evaluation, responses
from core.data import ImageSet
from core.errors import DataNotFound
from core.paths import PRUNE_ONLY, Path
from core.progress import Progress, clock
from core.whatif import Estimate, Subject
from pages.components import charts, gallery, loaders, look, panels


@dataclass(frozen=True)
class Places:
    """Places on the page, laid out first so that nothing jumps when numbers come in."""

    notice: DeltaGenerator
    status: DeltaGenerator
    verdict: DeltaGenerator
    metrics: DeltaGenerator
    classes: DeltaGenerator
    layers: DeltaGenerator
    changed: DeltaGenerator
    numbers: DeltaGenerator


def places() -> Places:
    """Lay out the page."""
    notice, status, verdict, metrics = (st.empty() for _ in range(4))
    left, right = st.columns([3, 2], gap="large")
    return Places(notice, status, verdict, metrics, left.empty(), right.empty(), st.empty(), st.empty())


def position(path: Path, sparsity: float) -> None:
    """Say what the point on the slider is: a trained checkpoint, or something pruned on from one."""
    start = path.start(sparsity)
    trained = [f"{value:.0%}" for value in path.sparsities[1:]]
    if path.is_checkpoint(sparsity):
        what = (
            "This is the dense network itself."
            if sparsity == 0
            else "This is a trained checkpoint, fine-tuned after pruning."
        )
    elif start.card.sparsity == 0:
        what = "The dense network, pruned to here **without fine-tuning**."
    else:
        what = f"The checkpoint at {start.card.sparsity:.0%}, pruned on to here **without fine-tuning**."
    if path.method != PRUNE_ONLY:
        what += f" {look.title(path.method)} was trained at {' and '.join(trained)}."
    st.caption(what)


def layers(places: Places, subject: Subject, path: Path, sparsity: float) -> None:
    """Where the zeros are. Needs no image."""
    masks = subject.masks_at(sparsity)
    frame = masks.per_layer()
    with places.layers.container():
        st.markdown("**Where the zeros are**")
        st.caption(f"{masks.zeros:,} of {masks.size:,} weights are zero ({masks.zeros / masks.size:.1%}).")
        st.altair_chart(
            charts.layers(frame, look.colour(path.method)),
            alt=f"Share of zero weights in each of {len(frame)} layers at {sparsity:.0%} sparsity",
        )
        name = f"layers-{path.study.replace('/', '-')}-{path.method}-{sparsity:.0%}".rstrip("%")
        panels.table(frame, name=name, title="Weights and zeros by layer", key="layers")


def numbers(places: Places, path: Path, sparsity: float, recalibrated: bool) -> None:
    """What is known of the position: from the stored responses at once, else live and better and better.

    A live computation stops at its next sign of progress when the user moves on.
    """
    own = path.start(sparsity)
    estimate = responses.estimate(loaders.response(path.dense), loaders.response(own), sparsity, recalibrated)
    key = (own.card.digest, path.dense.card.digest, round(sparsity, 6), recalibrated)
    estimate = estimate or loaders.memory().get(key)
    try:
        images = loaders.bench(path.dense).test
    except DataNotFound as error:
        images = None
        with places.notice.container():
            panels.missing_data(error)
    if estimate is None:
        if images is None:
            _from_card(places, path, sparsity, recalibrated)
            return
        estimate = _live(places, path, sparsity, recalibrated)
        loaders.memory().put(key, estimate)
    else:
        _draw(places, estimate, path, images)
    places.status.empty()
    _predictions(places, estimate, path, sparsity)


def _live(places: Places, path: Path, sparsity: float, recalibrated: bool) -> Estimate:
    places.status.progress(0.0, "Asking both networks about the first images")
    bench, subject = loaders.bench(path.dense), loaders.subject(path.start(sparsity))
    for estimate in bench.refine(
        subject, sparsity, recalibrated=recalibrated, report=lambda progress: _tell(places, progress)
    ):
        _draw(places, estimate, path, bench.test)
    return estimate


def _from_card(places: Places, path: Path, sparsity: float, recalibrated: bool) -> None:
    """Without images: what the checkpoint's card says, where the slider stands on one."""
    metrics = path.start(sparsity).card.metrics
    if not path.is_checkpoint(sparsity) or "accuracy" not in metrics:
        response = loaders.response(path.start(sparsity))
        stored = response.percents(recalibrated) if response else [round(100 * value) for value in path.sparsities]
        places.verdict.markdown(
            f"Nothing is stored for {sparsity:.0%}, and without the images it cannot be computed. Stored here: "
            f"{', '.join(f'{percent}%' for percent in stored)}."
        )
        return
    with places.metrics.container(horizontal=True):
        for name in ("balanced_accuracy", "accuracy", "sensitivity/mel"):
            if name in metrics:
                title = evaluation.METRICS[name].title if name in evaluation.METRICS else "Melanomas recognised"
                row = metrics[name]
                st.metric(title, f"{row['estimate']:.1%}", border=True, width=260)
                st.caption(f"[{row['low']:.1%}, {row['high']:.1%}], n = {row['n']:,}")


def _tell(places: Places, progress: Progress) -> None:
    left = progress.seconds_left
    more = f", about {clock(left)} left" if left and left > 1.5 else ""
    places.status.progress(progress.fraction, f"Refining: {progress.stage.lower()}{more}")


def _draw(places: Places, estimate: Estimate, path: Path, images: ImageSet | None) -> None:
    test = loaders.cohort(path.dense)
    labels = test.labels[estimate.rows]
    groups = None if test.groups is None else test.groups[estimate.rows]
    given = {"class_names": test.class_names, "groups": groups}
    reports = [evaluation.evaluate(p, labels, **given) for p in (estimate.dense, estimate.pruned)]
    comparison = evaluation.compare(estimate.dense, estimate.pruned, labels, **given)
    harm = evaluation.harm(estimate.dense, estimate.pruned, labels, **given)
    places.verdict.markdown(_sentence(harm, estimate, len(test), grouped=groups is not None))
    with places.metrics.container():
        _metrics(reports, comparison)
        st.caption(_basis(estimate, comparison, len(test), groups is not None))
    with places.classes.container():
        st.markdown("**How much of each diagnosis is recognised**")
        st.caption("Sensitivity, with 95% intervals. Rarer diagnoses have wider ones.")
        frame = _by_class(reports)
        st.altair_chart(
            charts.sensitivities(frame, look.colour(path.method), "Pruned", look.ink()),
            alt="Sensitivity for each class, dense and pruned, with 95% intervals",
        )
    if not estimate.final:
        return
    with places.changed.container():
        flips = evaluation.flips(estimate.dense, estimate.pruned, labels, test.class_names)
        gallery.changed(flips.assign(row=estimate.rows[flips["image"]]), test, images)


def _sentence(harm: pd.DataFrame, estimate: Estimate, total: int, *, grouped: bool) -> str:
    """What a clinician would say of the class that matters most: melanoma, or else the one hit hardest."""
    row = harm.iloc[(harm["newly_missed"] - harm["newly_caught"]).argmax()]
    if "mel" in harm["class"].to_numpy():
        row = harm[harm["class"] == "mel"].iloc[0]
    name = look.diagnosis(row["class"]).lower()
    thing = f"lesions that are {name}" if grouped else f"images of {name}"
    if row["class"] == "mel":
        thing = "melanomas"
    where = "" if estimate.n == total else f"In a first sample of {estimate.n:,} of {total:,} test images: "
    others = harm[harm["class"] != row["class"]]
    missed, caught = int(others["newly_missed"].sum()), int(others["newly_caught"].sum())
    return (
        f"### {where}of **{row['lesions']} {thing}**, the dense network finds **{row['found_dense']}**; pruned, it finds "
        f"**{row['found_pruned']}**: {row['newly_missed']} newly missed, {row['newly_caught']} newly caught.\n\n"
        f"Of all other diagnoses together, {missed} {'lesions' if grouped else 'images'} are newly missed and {caught} newly "
        "caught."
    ).replace("### of", "### Of")


def _metrics(reports, comparison) -> None:
    dense, pruned = reports
    for column, name in zip(st.columns(3), ("balanced_accuracy", "accuracy", "macro_auc"), strict=True):
        metric, change = evaluation.METRICS[name], comparison.differences[name]
        percent = metric.unit == "%"
        told = change.low is not None and not change.low <= 0 <= change.high
        column.metric(
            f"{metric.title} (dense: {_number(dense.metrics[name].estimate, percent)})",
            _number(pruned.metrics[name].estimate, percent),
            delta=_change(change, percent),
            delta_color="normal" if told else "off",
            delta_arrow="auto" if told else "off",
            help=f"{metric.description} Here of the pruned network; below, its difference from the dense one with its 95% interval ({change.method}). "
            "Grey: the data cannot tell it from no difference.",
            border=True,
        )


def _basis(estimate: Estimate, comparison, total: int, grouped: bool) -> str:
    test = comparison.mcnemar
    parts = [
        f"n = {comparison.images:,} test images" + (f" of {comparison.lesions:,} lesions" if grouped else ""),
        "the same for both networks",
        f"right equally often? McNemar p {'< 0.001' if test.p_value < 0.001 else f'= {test.p_value:.3f}'}",
    ]
    if not estimate.final:
        parts.insert(0, f"**First estimate**, {estimate.n / total:.0%} of the images")
    if estimate.recalibrated_on:
        parts.append(f"batch norm of both re-estimated on {estimate.recalibrated_on:,} training images")
    return " · ".join(parts)


def _by_class(reports) -> pd.DataFrame:
    rows = []
    for network, report in zip(("Dense", "Pruned"), reports, strict=True):
        table = report.per_class[report.per_class["images"] > 0]
        for row in table.to_dict("records"):
            rows.append(
                {
                    "label": f"{look.diagnosis(row['class'])} ({row['images']:,})",
                    "network": network,
                    "sensitivity": row["sensitivity"],
                    "low": row["sensitivity_low"],
                    "high": row["sensitivity_high"],
                    "n": row["images"],
                }
            )
    return pd.DataFrame(rows)


def _predictions(places: Places, estimate: Estimate, path: Path, sparsity: float) -> None:
    """Every prediction behind the page, to take along."""
    test = loaders.cohort(path.dense)
    order = np.argsort(estimate.rows)
    rows = estimate.rows[order]
    names = np.array(test.class_names)
    frame = pd.DataFrame({"id": test.ids[rows], "truth": names[test.labels[rows]]})
    if test.groups is not None:
        frame.insert(1, "lesion", test.groups[rows])
    for network, answers in (("dense", estimate.dense[order]), ("pruned", estimate.pruned[order])):
        frame[f"{network}_answer"] = names[answers.argmax(1)]
        for index, name in enumerate(names):
            frame[f"{network}_{name}"] = answers[:, index].round(5)
    with places.numbers.container():
        name = f"predictions-{path.study.replace('/', '-')}-{path.method}-{round(sparsity * 100)}"
        panels.table(frame, name=name, title="Predictions for every test image", key="predictions")


def _number(value: float, percent: bool) -> str:
    return f"{value:.1%}" if percent else f"{value:.3f}"


def _change(change, percent: bool) -> str:
    """A difference in points with its interval; no sign where it rounds to nothing."""
    scale, digits, unit = (100, 1, " points") if percent else (1, 3, "")
    value = round(change.estimate * scale, digits) + 0.0
    span = "" if change.low is None else f" [{change.low * scale:+.{digits}f}, {change.high * scale:+.{digits}f}]"
    return f"{value:+.{digits}f}{unit}{span}"
