"""Cards with metrics by hand."""


def metrics(accuracy: float, n: int = 1000) -> dict:
    """Metrics of a card, with intervals of two points on either side."""
    value = {"estimate": accuracy, "low": accuracy - 0.02, "high": accuracy + 0.02, "n": n, "method": "by hand"}
    return {"accuracy": value, "balanced_accuracy": value | {"estimate": accuracy - 0.1}}
