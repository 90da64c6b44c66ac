import pytest

from core.errors import InvalidValue, UnknownName
from core.studies import Study


@pytest.mark.parametrize(
    ("name", "data", "size", "architecture"),
    [
        ("ham10000-64/vgg16", "ham10000", 64, "vgg16"),
        ("cifar100-32/densenet169", "cifar100", 32, "densenet169"),
        ("my-own_data.2-128/vgg16", "my-own_data.2", 128, "vgg16"),
    ],
)
def test_a_name_is_read_and_written(name, data, size, architecture):
    study = Study.parse(name)
    assert study == Study(data, size, architecture)
    assert study.name == str(study) == name


def test_people_read_a_title():
    assert Study.parse("ham10000-64/vgg16").title == "HAM10000 (64 px) · VGG16"
    assert Study.parse("birds-32/densenet169").title == "birds (32 px) · DenseNet169"


@pytest.mark.parametrize(
    "name", ["", "ham10000", "ham10000/vgg16", "ham10000-64", "../x-64/vgg16", "a/b-64/vgg16", "HAM-64/vgg16", 7, None]
)
def test_what_is_no_study_is_named(name):
    with pytest.raises(InvalidValue, match="such as ham10000-64/vgg16"):
        Study.parse(name)


def test_an_unknown_architecture_is_named_with_the_near_one():
    with pytest.raises(UnknownName, match="did you mean vgg16"):
        Study.parse("ham10000-64/vgg19")


@pytest.mark.parametrize("size", [0, 16, 31, 513])
def test_sizes_that_the_networks_do_not_take_are_named(size):
    with pytest.raises(InvalidValue, match=rf"{size} pixels.*32 to 512"):
        Study.parse(f"ham10000-{size}/vgg16")
