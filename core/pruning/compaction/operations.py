"""What compaction knows of each step of a network: which of its channels depend on the image, and which are read later.

Two sweeps tell it. Forward, :meth:`Operation.follow` finds the channels that are the same for every image. They need not
be computed: what they add to the next layer is known beforehand and goes into its bias. Backward,
:meth:`Operation.demand` finds the channels that a later weight reads. What varies and is read is kept.

**Borders.** To a convolution that pads with zeros a constant channel is no constant bias: at the border some taps read
padding instead. All constants of a layer are therefore merged into one channel that is 1 everywhere, the *carrier*: the
layer before emits it (no weights, a bias of 1), ReLU and pooling leave it at 1, and the padded convolution reads it with
one kernel, the sum of the constants' kernels, each times its constant. That is exact at every position and for every image size,
and costs one channel. A bias for each position would fix the image size and weigh more than the weights it saves;
keeping every dead channel that emits something would keep many, for their biases were trained on.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from core.errors import InvalidValue


class Operation:
    """One step of a network, and what is known of its output channels.

    Attributes:
        name: of its module in the network.
        sources: the steps whose outputs it takes.
        constants: float64 [channels], the value of each channel that is the same for every image at every position;
            NaN for the others.
        needed: bool [channels], whether something later reads it.
        stays: whether the compacted network has this step at all.
        users: how many steps take its output.
    """

    def __init__(self, name: str, *sources: "Operation"):
        self.name, self.sources, self.users, self.stays = name, sources, 0, False
        for source in sources:
            source.users += 1
        self.constants = self.follow()
        self.needed = torch.zeros(len(self.constants), dtype=torch.bool)

    @property
    def varying(self) -> Tensor:
        """Bool [channels]: depends on the image, or differs from place to place."""
        return self.constants.isnan()

    @property
    def carries(self) -> bool:
        """Whether the compacted network has the carrier here, after the channels that are kept."""
        return False

    def follow(self) -> Tensor:
        """:attr:`constants`, from those of the sources."""
        raise NotImplementedError

    def demand(self) -> None:
        """Mark what the needed outputs read as needed in the sources. Called from the last step to the first."""
        raise NotImplementedError

    def kept(self) -> Tensor:
        """Bool [channels]: what the compacted network computes here; known once all demands are made."""
        raise NotImplementedError

    def stay(self) -> None:
        """Ask for a tensor, with some channel in it, for a step that stays: even one that reads no channel has an input."""
        self.stays = True
        for source in self.sources[:1]:
            source.stay()

    def carry(self) -> None:
        """Ask for the carrier.

        Raises:
            InvalidValue: none can come this way.
        """
        raise InvalidValue(
            "This network cannot be compacted exactly",
            given=f"a convolution that pads what comes from {self.name}",
            expected="padding only between convolutions, with ReLU and pooling at most in between",
        )


class Image(Operation):
    """The input: every channel varies and stays."""

    def __init__(self, channels: int):
        self._channels = channels
        super().__init__("the image")

    def follow(self) -> Tensor:
        """Nothing is constant."""
        return torch.full((self._channels,), torch.nan, dtype=torch.float64)

    def demand(self) -> None:
        """There is nothing before it."""

    def kept(self) -> Tensor:
        """All channels."""
        return torch.ones_like(self.needed)


class Channelwise(Operation):
    """What treats each channel by itself: ReLU, pooling, flattening, and in a subclass batch norm.

    Args:
        name: of its module.
        source: what it reads.
        module: that does it.
        function: constants in -> constants out; nothing for pooling, whose windows hold one value.
    """

    def __init__(
        self, name: str, source: Operation, module: nn.Module, function: Callable[[Tensor], Tensor] = torch.clone
    ):
        self.module, self._function = module, function
        super().__init__(name, source)

    @property
    def carries(self) -> bool:
        """As its source: 1 stays 1 (checked by :meth:`carry`)."""
        return self.sources[0].carries

    def follow(self) -> Tensor:
        """The function of each constant."""
        return self._function(self.sources[0].constants)

    def demand(self) -> None:
        """What is read of it, it reads."""
        self.sources[0].needed |= self.needed

    def kept(self) -> Tensor:
        """What its source keeps."""
        return self.sources[0].kept()

    def carry(self) -> None:
        """Pass the request on."""
        if self.users > 1 or (self._function(torch.ones_like(self.constants)) != 1).any():
            super().carry()
        self.sources[0].carry()


class Norm(Channelwise):
    """Batch norm on its own, such as those that read DenseNet's concatenations: each consumer has its own."""

    def __init__(self, name: str, source: Operation, module: nn.BatchNorm2d):
        scale, shift = affine(module)
        super().__init__(name, source, module, lambda values: torch.where(scale == 0, 0.0, values) * scale + shift)


class Concatenation(Operation):
    """The channels of several sources one after the other. Channels that no consumer reads are dropped at their source."""

    def follow(self) -> Tensor:
        """All constants."""
        return torch.cat([source.constants for source in self.sources])

    def demand(self) -> None:
        """To each source its part."""
        sizes = [len(source.needed) for source in self.sources]
        for source, needed in zip(self.sources, self.needed.split(sizes), strict=True):
            source.needed |= needed

    def kept(self) -> Tensor:
        """All that the sources keep, for whichever consumer."""
        return torch.cat([source.kept() for source in self.sources])


class Weighted(Operation):
    """A convolution or linear layer, together with a batch norm that reads it alone.

    Args:
        name: of its module.
        source: what it reads; a linear layer reads each channel with as many taps as flattening made of it.
        module: the layer, with zeros where it is pruned.
        norm: name and module of the batch norm right after it, or None.

    Attributes:
        scale, shift: float64 [outputs], what the norm does to what the layer puts out.
        reads: bool [outputs, inputs], whether the kernel between them has a tap that is not zero.
        pads: whether zeros are put around the input.
        blank: nothing needs it but its shape: its first channel stays, computed from nothing.
    """

    def __init__(
        self,
        name: str,
        source: Operation,
        module: nn.Conv2d | nn.Linear,
        norm: tuple[str, nn.BatchNorm2d] | None = None,
    ):
        self.module = module
        self.norm_name = norm[0] if norm else None
        outputs, inputs = len(module.weight), len(source.constants)
        self.taps = module.weight.detach().cpu().reshape(outputs, inputs, -1)
        self.bias = torch.zeros(outputs, dtype=torch.float64)
        if module.bias is not None:
            self.bias = module.bias.detach().cpu().double()
        ones = torch.ones(outputs, dtype=torch.float64)
        self.scale, self.shift = affine(norm[1]) if norm else (ones, 0 * ones)
        self.reads = (self.taps != 0).any(2)
        self.pads = isinstance(module, nn.Conv2d) and module.padding not in ((0, 0), "valid")
        self._carrier = self.blank = False
        super().__init__(name, source)

    @property
    def carries(self) -> bool:
        """Whether a padded convolution asked for the carrier."""
        return self._carrier

    def follow(self) -> Tensor:
        """Constant where no weight reads anything that varies, nor padding a constant other than zero."""
        constants, varying = self.sources[0].constants, self.sources[0].varying
        known = ~varying & (constants != 0)
        differs = self.reads[:, varying | known if self.pads else varying].any(1) & (self.scale != 0)
        values = self.bias + self.taps[:, known].double().sum(2) @ constants[known]
        return torch.where(differs, torch.nan, values * self.scale + self.shift)

    def demand(self) -> None:
        """Varying channels through weights that are not zero, and the carrier for constants that are padded."""
        self.stays |= bool(self.needed.any())
        if not self.stays:
            return
        source, read = self.sources[0], self.reads[self.needed].any(0)
        source.stay()
        source.needed |= read & source.varying
        if self.pads and (read & ~source.varying & (source.constants != 0)).any():
            source.carry()
        if not self.needed.any() and not self._carrier:
            self.blank = self.needed[0] = True

    def stay(self) -> None:
        """Its own source is asked when its demands are made."""
        self.stays = True

    def kept(self) -> Tensor:
        """What is read of it."""
        return self.needed

    def carry(self) -> None:
        """Emit the carrier."""
        if self.users > 1:
            super().carry()
        self._carrier = True


def affine(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Scale and shift, float64 [channels], that ``norm`` applies in evaluation mode.

    Raises:
        InvalidValue: it keeps no running statistics, so that its outputs depend on the batch.
    """
    if norm.running_mean is None:
        raise InvalidValue(
            "A batch norm without running statistics cannot be compacted",
            expected="nn.BatchNorm2d(track_running_stats=True)",
        )
    mean, variance = (value.detach().cpu().double() for value in (norm.running_mean, norm.running_var))
    scale = (variance + norm.eps).rsqrt()
    if norm.affine:
        scale = scale * norm.weight.detach().cpu().double()
    shift = -mean * scale
    return scale, shift + norm.bias.detach().cpu().double() if norm.affine else shift
