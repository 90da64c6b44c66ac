import os

import pytest
import torch


@pytest.fixture
def tiny():
    """``vgg16`` means a tiny network in this test."""
    from tests.core.tiny import registered

    with registered():
        yield


@pytest.fixture(scope="session")
def colours(tmp_path_factory):
    """A data root that holds one folder data set, ``colours``: three classes, 66 drawn PNG of 32×32 pixels."""
    from tests.core.tiny import write_pictures

    return write_pictures(tmp_path_factory.mktemp("data"))


@pytest.fixture
def one_thread():
    """Torch computes in one thread, so that two runs add in the same order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def real_cache(tmp_path_factory):
    """A cache for the real images, which take long to decode: one for all tests of a session and all its workers."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "real-images"
