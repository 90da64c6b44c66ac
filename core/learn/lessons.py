"""The course: seven short lessons, what each is for, and its words for two kinds of readers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

READERS = {"clinician": "I work with patients", "student": "I study machine learning"}
"""Reading levels by name."""


@dataclass(frozen=True)
class Lesson:
    """One lesson. Its question and answer are computed; see :mod:`core.learn.findings`.

    Attributes:
        name: for addresses.
        letter: in the progress code; never given to another lesson.
        title: a few words.
        goal: what the learner can do afterwards.
        minutes: about how long it takes.
        before, after: reading level -> words before the question and after the answer.
        lasting: the one sentence to take away.
        page: the page that shows more of it.
        query: how the page is opened there.
        look: what the link to it says.
    """

    name: str
    letter: str
    title: str
    goal: str
    minutes: int
    before: Mapping[str, str]
    after: Mapping[str, str]
    lasting: str
    page: str
    look: str
    query: Mapping[str, str] = field(default_factory=dict)


LESSONS = (
    Lesson(
        "pruning",
        "a",
        "What pruning is",
        "Say what sparsity is, and why a network can lose weights without losing answers.",
        4,
        {
            "clinician": "A neural network multiplies the pixels of a picture by millions of numbers, its **weights**, and adds up. Pruning "
            "sets many of them to zero, so that they need not be stored. The share of zeros is called **sparsity**.",
            "student": "Pruning multiplies each weight tensor by a binary mask. **Sparsity** is the share of zeros over all convolution and "
            "linear weights. Here the smallest magnitudes of the whole network go at once, and batch norm is re-estimated on training "
            "images; no gradient step is taken.",
        },
        {
            "clinician": "The chart shows how many went from each layer: the rule asks only how large a weight is, not where it stands.",
            "student": "Many weights lie near zero and hardly move any activation. One global threshold takes "
            "unequal shares from the layers, because their weights differ in scale.",
        },
        "Pruning is tempting because a trained network holds more weights than most of its answers need.",
        "pages/what_if.py",
        "Slide the sparsity yourself",
        {"method": "prune_only", "sparsity": "50"},
    ),
    Lesson(
        "magnitude",
        "b",
        "Why the smallest weights",
        "Explain why pruning by size should beat pruning by chance, and what it does not consider.",
        4,
        {
            "clinician": "Which weights should go? Most methods remove the **smallest**: a weight near zero multiplies a pixel by almost "
            "nothing, so removing it changes almost nothing. The alternative to compare with is chance.",
            "student": "The usual criterion is **magnitude**, |w|. A removed weight changes a pre-activation by w·x, so for inputs of like "
            "scale the smallest |w| change it least. The control for any criterion is a random mask of the same sparsity.",
        },
        {
            "clinician": "The smallest weights carry little of the whole. Removing as many by chance would take its full share. But small is "
            "not the same as unimportant: a small weight may matter for one rare diagnosis.",
            "student": "The weights are concentrated around zero, so magnitude keeps most of the L1 norm. It is a heuristic: it looks at "
            "neither the inputs nor the loss, and says nothing of a class with few images.",
        },
        "Small weights add little, so they go first. The rule knows nothing of diagnoses.",
        "pages/layers.py",
        "See the weights of each layer",
        {"show": "layer", "method": "prune_only"},
    ),
    Lesson(
        "methods",
        "c",
        "Three ways to prune",
        "Tell one-shot, layer by layer and iterative pruning apart, and say when a comparison of them is fair.",
        5,
        {
            "clinician": "After weights are removed, training can repair some of the damage. **One-shot** removes all at once and trains. "
            "**Layer by layer** goes from input to output and trains after each. **Iterative** removes a little everywhere, trains, and "
            "repeats.",
            "student": "Same criterion, same target, same number of epochs, other schedule: **one-shot** cuts once; **layer by layer** cuts one unit "
            "after the other to the target, so every layer has the same sparsity; **iterative** raises a global threshold in steps.",
        },
        {
            "clinician": "A difference between two networks on the same images only counts if its interval excludes zero. A small "
            "lead can be noise.",
            "student": "The comparison is paired: the same images, the interval of the difference, not two intervals side by side. One seed "
            "each: the interval speaks of other images, not of other trainings.",
        },
        "Ask how much training each method was given before you ask which is best.",
        "pages/methods.py",
        "See every comparison and the paper's claims",
        {},
    ),
    Lesson(
        "harm",
        "d",
        "Accuracy hides harm",
        "Read a harm sentence, and ask of any pruned network which patients it fails.",
        5,
        {
            "clinician": "Accuracy counts all images alike. Where most images of skin show ordinary moles, a network can keep its "
            "accuracy by being good at moles while it loses what is rare. Count patients, not percent.",
            "student": "Accuracy is dominated by the majority class. Pruning often shifts the decision towards it: errors move from the common "
            "class to rare ones and the sum stays. Look at per-class sensitivity, and at flips on the same images.",
        },
        {
            "clinician": "Where accuracy hardly moves, it gives no warning. Newly missed cases are the price; newly caught ones are the other side of the "
            "ledger, and the chart shows what each of the two networks finds.",
            "student": "Balanced accuracy gives a warning, and a paired table by class tells whom it concerns. Small classes have wide "
            "intervals: absence of evidence of harm is not evidence of absence.",
        },
        "Never accept one number. Ask who is newly missed.",
        "pages/what_if.py",
        "See the whole ledger of this position",
        {"method": "prune_only"},
    ),
    Lesson(
        "similarity",
        "e",
        "Similar features, different answers",
        "Say what CKA measures and what it cannot promise.",
        5,
        {
            "clinician": "Inside, each layer sorts the images by what it sees. **CKA** compares two networks: 1 means that they find the same "
            "images alike. Papers use it to say that two networks have learned the same. Have they?",
            "student": "**CKA** is a normalised HSIC between the Gram matrices of two layers over the same images: invariant to rotation and "
            "scale, blind to the last decision boundary. Here the unbiased estimator is used.",
        },
        {
            "clinician": "Similar inside does not mean the same diagnosis. A case near the boundary between two diagnoses needs only a small "
            "push to cross it.",
            "student": "CKA is dominated by the directions of large variance; a class boundary may lie along a small one. So a high CKA allows "
            "many flips, and those fall on images with a small margin, often of rare classes.",
        },
        "Features can be alike while answers differ. Similarity is no proof of safety.",
        "pages/similarity.py",
        "Compare any two networks",
        {},
    ),
    Lesson(
        "speed",
        "f",
        "Smaller is not faster",
        "Tell nominal sparsity, effective sparsity, file size and speed apart.",
        4,
        {
            "clinician": "“80% smaller” sounds like five times faster. A processor, however, multiplies by a zero as long as by any other "
            "number. Only when a whole channel is empty can it be left out.",
            "student": "Unstructured zeros keep the dense shapes: the same matrix products run. **Effective sparsity** is what remains after "
            "compaction, when channels that are constant or unread are removed and the shapes really shrink.",
        },
        {
            "clinician": "The file can be packed smaller, because zeros need not be written down. Where no channel is empty, a picture takes as long as before. If "
            "speed is the reason to prune, ask for whole channels.",
            "student": "Scattered zeros seldom empty a channel. To gain speed, prune channels (structured), or use a processor and kernels that "
            "exploit a fixed pattern. Storage does gain: bit masks and non-zero values only.",
        },
        "Zeros make the file smaller, and only empty channels make the network faster.",
        "pages/cost.py",
        "Measure it on this machine",
        {},
    ),
    Lesson(
        "misled",
        "g",
        "How studies mislead",
        "Name four traps in a pruning study, and ask the question that uncovers each.",
        6,
        {
            "clinician": "A number is only as good as the way it was made. The worked example is the paper behind this tool. "
            "The first trap: the same mole, photographed twice, once in training and once in the test.",
            "student": "The worked example is the paper that this tool replicates. Its test images were drawn at random from all rows of "
            "HAM10000, although many lesions have several images: a **leak**, as groups straddle the split.",
        },
        {
            "clinician": "Before you believe a study, ask: Were the test patients new? Was each method given the same chance? Would it come out "
            "again? Who chose the moment of measuring, and on what?",
            "student": "Split by group, equalise budgets, repeat seeds, choose on validation. Give n and an interval for each number, and test "
            "the difference, not the two values.",
        },
        "New patients, equal budgets, several seeds, nothing chosen on test.",
        "pages/methods.py",
        "Put the paper's claims to the test",
        {},
    ),
)
BY_NAME = {lesson.name: lesson for lesson in LESSONS}
