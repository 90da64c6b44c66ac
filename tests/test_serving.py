"""What a server is made of: Streamlit's settings, the Dockerfile's instructions, and the page of the docs about them."""

import fnmatch
import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
SERVING = PROJECT / "docs" / "serving.md"


# --- settings of Streamlit --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def config() -> dict:
    return tomllib.loads((PROJECT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))


def test_the_server_is_closed_where_it_can_be(config):
    assert config["server"]["enableXsrfProtection"] is True
    assert config["server"]["enableCORS"] is True
    assert config["browser"]["gatherUsageStats"] is False
    assert config["client"]["showErrorDetails"] == "none"
    # What serves files by their path, or lets a page run elsewhere, is off unless somebody asks for it.
    assert not config["server"].get("enableStaticServing", False)
    assert "address" not in config["server"]


def test_uploads_are_as_small_as_the_pages_allow(config):
    from core.own.weights import UPLOAD_BYTES
    from core.own.zips import MOST_BYTES

    limit = config["server"]["maxUploadSize"] * 1_000_000
    assert limit <= 64_000_000
    assert limit == max(UPLOAD_BYTES, MOST_BYTES)
    # Every field for files has a limit of its own, in megabytes.
    for path in (PROJECT / "pages").rglob("*.py"):
        for call in re.findall(r"st\.file_uploader\((?:[^()]|\([^()]*\))*\)", path.read_text(encoding="utf-8")):
            assert "max_upload_size=" in call, f"{path.name}: {call[:60]}"


# --- the Dockerfile ---------------------------------------------------------------------------------------------------


def instructions() -> list[tuple[str, str]]:
    """(instruction, arguments) of each line; comments left out, continued lines joined."""
    text = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", lines)
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def stages() -> list[list[tuple[str, str]]]:
    found: list[list[tuple[str, str]]] = []
    for name, rest in instructions():
        if name == "FROM":
            found.append([])
        if found:
            found[-1].append((name, rest))
    return found


def last(name: str) -> list[str]:
    return [rest for one, rest in stages()[-1] if one == name]


KNOWN = {"ARG", "FROM", "RUN", "ENV", "COPY", "WORKDIR", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "CMD"}


def test_only_instructions_that_there_are():
    assert {name for name, _ in instructions()} <= KNOWN
    assert [rest.split(" AS ")[0] for name, rest in instructions() if name == "FROM"] == ["python:${PYTHON}-slim"] * 2
    for _, rest in (one for one in instructions() if one[0] == "RUN"):
        shlex.split(rest)  # quotes that are not closed raise


def test_it_does_not_run_as_root_and_owns_what_it_writes_to():
    (user,) = last("USER")
    assert user.isdigit()  # as a number, so that a cluster that forbids root can see it is none
    assert int(user) >= 1000
    (made,) = (rest for rest in last("RUN") if "useradd" in rest)
    assert f"--uid {user}" in made
    names = [name for name, _ in stages()[-1]]
    assert names.index("USER") < names.index("CMD")
    assert not {"RUN", "COPY"} & set(names[names.index("USER") :])
    volumes = json.loads(last("VOLUME")[0])
    environment = dict(re.findall(r"(PRUNESCOPE_\w+)=(\S+)", " ".join(last("ENV"))))
    assert set(environment) == {f"PRUNESCOPE_{name}" for name in ("DATA", "RUNS", "CACHE", "CHECKPOINTS")}
    for place in environment.values():
        assert any(place == volume or place.startswith(f"{volume}/") for volume in volumes), place
        assert place in made or place == "/app/checkpoints"
    assert any(rest.split() == [f"--chown={user}", "checkpoints", "checkpoints"] for rest in last("COPY"))


def test_its_health_is_asked_where_the_server_answers():
    (check,) = last("HEALTHCHECK")
    (command,) = last("CMD")
    (port,) = last("EXPOSE")
    assert f"http://127.0.0.1:{port}/_stcore/health" in check
    words = json.loads(command)
    assert words[:3] == ["streamlit", "run", "app.py"]
    assert f"--server.port={port}" in words
    assert "--server.address=0.0.0.0" in words
    compile(json.loads(check[check.index("CMD") + 3 :])[2], "health check", "exec")


def copied() -> list[str]:
    sources = []
    for stage in stages():
        for name, rest in stage:
            words = [word for word in rest.split() if not word.startswith("--chown")]
            if name == "COPY" and not words[0].startswith("--from"):
                sources += words[:-1]
    return sources


def test_what_it_copies_is_there_and_is_not_ignored_and_nothing_is_missing():
    ignored = [
        line
        for line in (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    for source in copied():
        assert (PROJECT / source).exists(), source
        assert not any(fnmatch.fnmatch(source, pattern) for pattern in ignored), source
    assert {"app.py", "core", "pages", ".streamlit", "checkpoints", "requirements.txt"} <= set(copied())
    for secret in (".git", ".venv", "runs", "data", "tests"):
        assert secret in ignored


def test_its_way_of_finding_torch_finds_it():
    lines = (PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    (pattern,) = re.findall(r"grep -E '([^']+)'", " ".join(rest for name, rest in instructions() if name == "RUN"))
    assert [re.split(r"[>=<]", line)[0] for line in lines if re.search(pattern, line)] == ["torch", "torchvision"]


# --- the docs ---------------------------------------------------------------------------------------------------------


def test_the_docs_name_what_there_is():
    text = SERVING.read_text(encoding="utf-8")
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (PROJECT / "core").rglob("*.py"))
    for variable in set(re.findall(r"PRUNESCOPE_\w+", text)):
        assert f'"{variable}"' in sources, variable
    from streamlit import config

    options = {option.upper().replace(".", "_") for option in _snake(config.get_config_options())}
    for variable in set(re.findall(r"STREAMLIT_(\w+)", text)):
        assert variable in options, variable
    for flag in set(re.findall(r"--(server\.\w+|browser\.\w+)", text)):
        assert flag in config.get_config_options(), flag


def _snake(names) -> list[str]:
    return [re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name) for name in names]


def test_the_docs_count_what_is_kept_in_memory():
    from pages.components import attribution_networks, cost_data, cost_take, lab_networks, loaders, similarity_data

    text = " ".join(SERVING.read_text(encoding="utf-8").split())

    def most(kept) -> int:
        return kept._info.max_entries

    for number, words in (
        (most(loaders._subject), "{} networks as they are"),
        (attribution_networks._kept()._size, "{} networks ready to be explained"),
        (most(lab_networks._ready), "{} to be asked about drawn lesions"),
        (most(cost_data._compacted), "{} without their dead channels"),
        (most(cost_take._loaded), "{} to take home"),
        (most(loaders._bench), "the test images of {} studies"),
        (most(similarity_data._comparer), "of {} samples of images"),
    ):
        assert words.format(number) in text
    live, tables = loaders.estimates()._room, loaders.results()._room
    assert live == tables, "the table says as much"
    stored = f"{loaders._responses()._room / 1e6:.0f} MB of stored answers"
    assert text.count(stored) == 2
    assert f"{live / 1e6:.0f} MB of live answers and as much of tables" in text
    assert f"{similarity_data._memory()._room / 1e6:.0f} MB of similarity matrices" in text
