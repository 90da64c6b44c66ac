"""What the methods are called and what they do, in the words that every screen and the command line use."""

WATCHED = "mel"
"""The class that is watched for wherever it is among the classes: a melanoma missed costs most."""

METHOD_TITLES = {
    "one_shot": "One-shot",
    "layerwise": "Layer by layer",
    "iterative": "Iterative",
}
METHOD_SENTENCES = {
    "one_shot": "Removes all the weights that are to go at once, then trains the rest on.",
    "layerwise": "Takes one layer (or dense block) after the other from input to output, prunes it to the target and "
    "trains on before the next.",
    "iterative": "Removes a few weights of the whole network, trains on, and repeats this until the target is reached.",
}
