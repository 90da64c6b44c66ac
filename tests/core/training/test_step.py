import pytest
import torch
import torch.nn.functional as F

from core.models import build, normalise, set_normalisation
from core.training import Settings, fit
from core.training.step import Plain, Recorded, stepper
from tests.core.tiny import Tiny, image_set

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="a CUDA graph needs a GPU")
CPU = torch.device("cpu")


def network():
    torch.manual_seed(0)
    return set_normalisation(Tiny(3), (0.5,) * 3, (0.25,) * 3).train()


def pixels(n=8, side=32, classes=3, place=CPU):
    generator = torch.Generator().manual_seed(n)
    images = torch.randn(n, 3, side, side, generator=generator).to(place, memory_format=torch.channels_last)
    return images, torch.randint(classes, (n,), generator=generator).to(place)


def test_a_step_gives_the_loss_and_replaces_the_gradients():
    model = network().eval()  # without dropout, so that it can be computed again
    images, labels = pixels()
    step = stepper(model, CPU, torch.float32, smoothing=0.1)
    first = step(images, labels)
    gradients = [p.grad.clone() for p in model.parameters()]
    assert torch.equal(step(images, labels), first)
    assert all(torch.equal(p.grad, g) for p, g in zip(model.parameters(), gradients, strict=True))  # not their sum
    assert not first.requires_grad
    expected = F.cross_entropy(model(images), labels, label_smoothing=0.1)
    assert torch.equal(first, expected.detach())


def test_a_cpu_goes_step_by_step():
    assert isinstance(stepper(network(), CPU, torch.bfloat16), Plain)


# --- on a GPU ---------------------------------------------------------------------------------------------------------


def on_gpu(architecture, classes=5):
    torch.manual_seed(1)
    place = torch.device("cuda")
    return build(architecture, classes).to(place, memory_format=torch.channels_last).train(), place


@needs_gpu
@pytest.mark.parametrize("architecture", ["vgg16", "densenet169"])
def test_a_recorded_step_is_the_step(architecture):
    model, place = on_gpu(architecture)
    twin, _ = on_gpu(architecture)
    plain = Plain(model, place, torch.float32, 0.1)
    recorded = Recorded(Plain(twin, place, torch.float32, 0.1))
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        for n in range(3):
            images, labels = pixels(16, 64, 5, place)
            images = images + n
            torch.testing.assert_close(recorded(images, labels), plain(images, labels), rtol=1e-3, atol=1e-3)
            far = [float((p.grad - q.grad).norm() / (p.grad.norm() + 1e-6)) for p, q in _pairs(model, twin)]
            assert sorted(far)[len(far) // 2] < 0.02
    # Statistics of batch norm have seen three batches, not also those of the recording.
    for own, other in zip(model.buffers(), twin.buffers(), strict=True):
        torch.testing.assert_close(own, other, rtol=2e-2, atol=2e-2)
        assert own.is_floating_point() or int(own) == 3


def _pairs(model, twin):
    return zip(model.parameters(), twin.parameters(), strict=True)


@needs_gpu
def test_a_recording_leaves_the_random_state_as_it_was():
    model = network().cuda()
    images, labels = pixels(place=torch.device("cuda"))
    step = Recorded(Plain(model, torch.device("cuda"), torch.float32, 0.0))
    torch.manual_seed(5)
    first = float(step(images, labels))  # dropout draws
    drawn = torch.rand(3, device="cuda")
    model = network().cuda()
    torch.manual_seed(5)
    assert float(Plain(model, torch.device("cuda"), torch.float32, 0.0)(images, labels)) == pytest.approx(
        first, rel=1e-3
    )
    assert torch.equal(torch.rand(3, device="cuda"), drawn)


@needs_gpu
def test_training_on_a_gpu_learns_and_keeps_zeros():
    from core.models import prunable
    from core.pruning import magnitude

    model = set_normalisation(Tiny(3), (0.5,) * 3, (0.25,) * 3).eval()
    masks = magnitude(prunable(model), 0.5)
    settings = Settings(epochs=8, rate=0.05, batch=6, augment="objects", balance=0)
    history = fit(model, image_set(12, 0), image_set(4, 1, "validation"), settings, masks=masks, device="cuda")
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]
    for name, weight in prunable(model).items():
        assert (weight.cpu()[~masks[name]] == 0).all()
    assert normalise(model, torch.zeros(1, 32, 32, 3, dtype=torch.uint8)).device.type == "cuda"
