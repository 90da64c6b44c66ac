"""What is said of maps, answers and checks."""

import math

import numpy as np

from core.attribution import METHODS, Trust
from core.data.ham10000 import class_words
from pages.components import look
from pages.components.attribution_controls import Question
from pages.components.attribution_networks import Network
from pages.components.attribution_sources import Picture

NOT_FOR_DIAGNOSIS = "Not for diagnosis"


def heading(question: Question, names: tuple[str, ...]) -> str:
    """What all the maps show, in one line."""
    what = "What speaks for and against" if question.signed else "What counts for"
    return f"{what} “{look.diagnosis(names[question.target])}”, by {question.title}"


def about(picture: Picture, names: tuple[str, ...], plain: bool = False) -> str:
    """What is known of the picture."""
    one = class_words(names)[0]
    if picture.truth is None:
        return f"Its {one} is not known."
    truth = look.diagnosis(names[picture.truth])
    return (
        f"{picture.title}\nTrue {one}: {truth}" if plain else f"{look.plain(picture.title)}  \nTrue {one}: **{truth}**"
    )


def answers(probabilities: np.ndarray, names: tuple[str, ...], question: Question, picture: Picture) -> str:
    """The likeliest classes and the target's probability; the answer in bold. Beside a user's own picture a warning."""
    order = np.argsort(-probabilities)[:3]
    shown = [*order, question.target] if question.target not in order else list(order)
    lines = []
    for place, index in enumerate(shown):
        words = f"{look.diagnosis(names[index])} {look.probability(probabilities[index])}"
        lines.append(f"**{words}**" if place == 0 else words)
    if picture.kind == "upload":
        lines.insert(0, f":material/warning: :red[**{NOT_FOR_DIAGNOSIS}**]")
    return "  \n".join(lines)


def caption(network: Network, probabilities: np.ndarray, names: tuple[str, ...], question: Question) -> str:
    """What is written below a map that is taken along."""
    best = int(probabilities.argmax())
    words = f"{network.title}\nAnswer: {look.diagnosis(names[best])}, {look.probability(probabilities[best])}"
    if best != question.target:
        words += f"\n{look.diagnosis(names[question.target])}: {look.probability(probabilities[question.target])}"
    return words


def foot(study: str, question: Question, picture: Picture, source: str) -> str:
    """How a figure was made, and what it must not be used for."""
    return (
        f"{study}. {question.title}: {source}. {picture.title}"
        + (f" ({picture.credit})" if picture.credit else "")
        + ". "
        f"Made with PruneScope. {NOT_FOR_DIAGNOSIS}."
    )


def ends(question: Question, reach: float, *, own: bool) -> tuple[str, str]:
    """What stands at the two ends of the scale of colours."""
    if own:
        return (
            ("against", "for: each map to its own brightest")
            if question.signed
            else ("little", "much: each map to its own brightest")
        )
    # Three digits: a map's numbers depend on the network's logits and are compared with each other only.
    return (f"−{reach:.2g}, against", f"+{reach:.2g}, for") if question.signed else ("0", f"{reach:.2g}")


def basis(networks: list[Network], question: Question, wanted: bool) -> str:
    """What the maps rest on."""
    logits = METHODS[question.method].complete or question.method == "occlusion"
    parts = ["One scale for all networks" + (", in logits a pixel" if logits else "")]
    target = look.diagnosis(networks[0].entry.card.data.class_names[question.target])
    parts.append(f"All maps explain the same class, {target}: {question.why}")
    pruned_on = [network for network in networks if not network.trained]
    if pruned_on:
        count = pruned_on[0].calibrated
        were = "were" if len(pruned_on) > 1 else "was"
        words = f"{look.listed([network.title for network in pruned_on])} {were} pruned on without fine-tuning"
        if count:
            words += f", with batch norm re-estimated on {count:,} training images"
        elif wanted:
            words += ", and batch norm is as it was trained: there is no training image here to re-estimate it on"
        parts.append(words)
    return ". ".join(parts) + "."


def band(trust: Trust) -> str:
    """What stands across a map that fails."""
    words = {
        "empty": "Empty: nothing here counts for this class",
        "randomisation": "Fails its check: random weights give nearly the same map",
        "completeness": f"Fails its check: its sum is off by {percent(trust.missing)}",
    }
    return ". ".join(words[name] for name in trust.failures) + "."


def described(network: Network, question: Question, names: tuple[str, ...], trust: Trust | None) -> str:
    """The text alternative of a map."""
    words = f"{question.title} of the network {network.title}, for {look.diagnosis(names[question.target])}"
    return words + (f". {band(trust)}" if trust is not None and not trust.passed else "")


def verdict(trust: Trust) -> str:
    """What the checks say of a map, in a few words."""
    words = {
        "empty": "Empty: at this layer nothing counts for this class",
        "randomisation": "Shows the picture more than what the network has learnt",
        "completeness": "Misses its sum: more steps help",
    }
    return "; ".join(words[name] for name in trust.failures) or "Depends on what the network has learnt"


def percent(share: float | None) -> str:
    """A share as people read it."""
    return (
        "an unknown share"
        if share is None or math.isnan(share)
        else f"{share:.0%}"
        if share >= 0.01
        else f"{share:.1%}"
    )
