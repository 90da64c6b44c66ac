"""The lesion lab's engine: lesions that travel in a link, and what networks answer as one parameter changes.

>>> lesion = decode("mel.7.b800")                        # a melanoma whose border is ragged to 0.8
>>> answers = ask({"dense": predictor}, lesion, along="border", size=64)
>>> spans(answers.values, answers.along["dense"], CLASSES.index("mel"))    # for which borders it is called a melanoma
"""

from core.lab.answers import POINTS, Answers, ask, grid, spans, sweep
from core.lab.codes import RANDOM, START, decode, drawn, encode, portrait
from core.lab.networks import CALIBRATION, calibration, network

__all__ = [
    "CALIBRATION",
    "POINTS",
    "RANDOM",
    "START",
    "Answers",
    "ask",
    "calibration",
    "decode",
    "drawn",
    "encode",
    "grid",
    "network",
    "portrait",
    "spans",
    "sweep",
]
