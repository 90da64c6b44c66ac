"""What the networks say of the drawn lesion, and of it as one parameter changes."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import lab
from core.data.phantom import CLASSES, Parameters
from core.lab import Answers
from pages.components import address, lab_charts, lab_networks, lab_words, look, panels
from pages.components.lab_networks import Asked


def draw(lesion: Parameters, asked: Asked, own: DeltaGenerator, along: DeltaGenerator) -> None:
    """Both charts, their sentences and the numbers behind them.

    Args:
        lesion: as drawn.
        asked: who is asked.
        own: where the answers to the lesion itself go.
        along: where those along one parameter go.
    """
    verdict, bars = own.container(), own.container()
    with along:
        st.header("One parameter, from end to end")
        choose = st.columns(2)
        with choose[0]:
            parameter = _choice("along", "Change", lab_words.SWEPT, "border", lab_words.TITLES.get)
        with choose[1]:
            diagnosis = _choice("call", "When is it called", lab_words.ORDER, "mel", look.diagnosis)
    names = {key: look.title(key) for key in ("dense", *asked.paths)}
    answers = lab_networks.answers(asked, lesion, parameter)
    verdict.markdown(_verdict(answers, names))
    if lab.encode(lesion) == lab.START and _part(answers):
        verdict.caption(
            "The lab opens with a drawing picked because networks part on it; on most they agree. *Random* draws another."
        )
    with bars:
        _own(answers, names)
    with along:
        _along(answers, names, lesion, diagnosis)
        st.caption(_basis(asked))
        panels.table(_numbers(answers, names), name=f"lesion-lab-{parameter}", title="Every answer", key="lab")


def _choice(key: str, label: str, names: tuple[str, ...], default: str, title: Callable[[str], str]) -> str:
    return address.choose(st.selectbox, key, label, names, default, title=title)


def _own(answers: Answers, names: dict[str, str]) -> None:
    frame = pd.DataFrame(
        {"label": look.diagnosis(name), "network": title, "probability": float(answers.own[key][CLASSES.index(name)])}
        for name in lab_words.ORDER
        for key, title in names.items()
    )
    st.altair_chart(
        lab_charts.answers(frame, _drawn(names), look.ink()),
        alt="Probability of each of the seven diagnoses from " + " and ".join(names.values()),
    )


def _along(answers: Answers, names: dict[str, str], lesion: Parameters, diagnosis: str) -> None:
    label, parameter = CLASSES.index(diagnosis), answers.parameter
    title = look.diagnosis(diagnosis).lower()
    scale = 1 if parameter == "skin" else 100
    rows = [
        {
            "value": scale * value,
            "network": names[key],
            "probability": float(given[label]),
            "call": look.diagnosis(CLASSES[given.argmax()]),
            "called": bool(given.argmax() == label),
        }
        for key in names
        for value, given in zip(answers.values, answers.along[key], strict=True)
    ]
    what = lab_words.TITLES[parameter]
    chart = lab_charts.along(
        pd.DataFrame(rows),
        _drawn(names),
        position=scale * getattr(lesion, parameter),
        axis=what if parameter == "skin" else f"{what} (%)",
        question=f"Probability of {title}",
        ink=look.ink(),
    )
    st.altair_chart(chart, alt=f"Probability of {title} against {what.lower()}, for {' and '.join(names.values())}")
    st.markdown(_sentences(answers, names, diagnosis))
    if any(row["called"] for row in rows):
        st.caption("A mark on a line: there the network's call is this diagnosis, the likeliest of all seven.")


def _sentences(answers: Answers, names: dict[str, str], diagnosis: str) -> str:
    label, parameter = CLASSES.index(diagnosis), answers.parameter
    title = look.diagnosis(diagnosis).lower()
    ends = float(answers.values[0]), float(answers.values[-1])
    lines = []
    for key, name in names.items():
        given = answers.along[key]
        found = lab.spans(answers.values, given, label)
        if found:
            what = f"calls it {title} {lab_words.stretches(parameter, ends, found)}"
        else:
            most = given[:, label].max()
            what = f"never calls it {title} ({'under 1%' if most < 0.01 else f'at most {most:.0%}'})"
        lines.append(f"- **{name}** {what}.")
    what = lab_words.TITLES[parameter].split(" · ")[-1]
    first, last = (lab_words.value(parameter, number) for number in ends)
    return f"{what} from {first} to {last}:\n" + "\n".join(lines)


def _verdict(answers: Answers, names: dict[str, str]) -> str:
    """Each network's call, and whether pruning changed it."""
    calls = {key: look.diagnosis(CLASSES[given.argmax()]).lower() for key, given in answers.own.items()}
    told = {key: f"**{call}** ({look.probability(answers.own[key].max())})" for key, call in calls.items()}
    dense, *pruned = calls
    changed = [key for key in pruned if calls[key] != calls[dense]]
    if len(pruned) == 1:
        return f"The dense network calls it {told[dense]}; pruned, it {'becomes' if changed else 'stays'} {told[pruned[0]]}."
    if not changed:
        return f"The dense network calls it {told[dense]}, and so do all {len(pruned)} pruned ones."
    each = ", ".join(f"{names[key].lower()} {told[key]}" for key in changed)
    return (
        f"The dense network calls it {told[dense]}; {len(changed)} of {len(pruned)} pruned ones say otherwise: {each}."
    )


def _part(answers: Answers) -> bool:
    """Whether the networks call the lesion differently."""
    return len({int(given.argmax()) for given in answers.own.values()}) > 1


def _drawn(names: dict[str, str]) -> lab_charts.Networks:
    return {title: (look.colour(key), look.shape(key)) for key, title in names.items()}


def _basis(asked: Asked) -> str:
    parts = [f"Pruned: {asked.sparsity:.0%} of the weights removed", "one drawing, asked once: no interval"]
    between = [look.title(method) for method, path in asked.paths.items() if not path.is_checkpoint(asked.sparsity)]
    if between:
        parts.append(f"{', '.join(between)} pruned on to there **without fine-tuning**")
    if any(path.result(asked.sparsity) for path in asked.paths.values()):
        parts.append(f"what was trained at {asked.sparsity:.0%} is here without its weights")
    if asked.recalibrated:
        parts.append(lab_networks.recalibration(asked))
    return " · ".join(parts) + "."


def _numbers(answers: Answers, names: dict[str, str]) -> pd.DataFrame:
    """Every answer: the lesion's own first, then along the parameter."""
    frames = []
    for key, title in names.items():
        given = np.concatenate([answers.own[key][None], answers.along[key]])
        frame = pd.DataFrame(given.round(5), columns=list(CLASSES))
        frame.insert(0, "network", title)
        frame.insert(1, answers.parameter, ["as drawn", *(f"{value:g}" for value in answers.values)])
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)
