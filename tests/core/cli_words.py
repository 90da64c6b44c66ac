"""What the tests of the command line train, and how briefly; and how they read what it says."""

STUDY = "colours-32/vgg16"
QUICK = ("--epochs", "2", "--batch", "8", "--warmup", "0.5")


def squeezed(text: str) -> str:
    """Without the spaces that align columns."""
    return " ".join(text.split())
