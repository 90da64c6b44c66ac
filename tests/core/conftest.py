import pytest


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
