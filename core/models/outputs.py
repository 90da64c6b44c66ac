"""What a classifier gives: logits."""

from torch import Tensor, nn

from core.errors import InvalidValue


def check_logits(output, network: nn.Module) -> Tensor:
    """``output`` of ``network`` for a batch, if it is logits [N, classes].

    Raises:
        InvalidValue: it is no tensor, or of another rank.
    """
    if isinstance(output, Tensor) and output.ndim == 2:
        return output
    raise InvalidValue(
        "This network gives no logits",
        given=f"{type(network).__name__}, which gives "
        + (f"shape {list(output.shape)}" if isinstance(output, Tensor) else f"a {type(output).__name__}"),
        expected="one tensor [N, classes]",
        remedy="wrap it in a module whose forward returns that",
    )
