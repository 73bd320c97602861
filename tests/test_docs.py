"""What the documents say exists: commands, files, settings, links, tests."""

import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_each_link_leads_to_a_file(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", document.read_text())
    missing = [link for link in links if "://" not in link and not (document.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_each_command_that_is_named_can_be_run(document: Path) -> None:
    named = set(
        re.findall(r"(?:^|[`\s(])((?:scripts|bench|\.ci)/[a-z-]+)(?=[`\s)])", document.read_text(), re.MULTILINE)
    )
    missing = [name for name in named if not ((ROOT / name).is_file() and (ROOT / name).stat().st_mode & 0o111)]
    assert not missing


def test_each_folder_in_the_readme_is_there() -> None:
    folders = re.findall(r"^\| `([a-z_]+/)`", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert len(folders) > 5
    assert [folder for folder in folders if not (ROOT / folder).is_dir()] == []


def test_each_setting_in_the_readme_is_explained_in_the_example() -> None:
    named = re.findall(r"`([A-Z][A-Z_]{5,})`", (ROOT / "README.md").read_text())
    example = (ROOT / ".env.example").read_text()
    assert named
    assert [name for name in named if f"{name}=" not in example] == []


def test_each_chat_command_in_the_readme_is_known_to_the_bot() -> None:
    from bot import commands

    named = set(re.findall(r"^\| `/([a-z]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert named
    assert named <= set(commands.found())


def test_each_line_of_evidence_chooses_tests_that_exist() -> None:
    for arguments in re.findall(r"`T ([^`]+)`", (ROOT / "docs/EVIDENCE.md").read_text()):
        _choose(arguments)


def test_each_attack_names_what_tries_it() -> None:
    rows = re.findall(r"^\| (?:new|[0-9]+) \| (.+)$", (ROOT / "docs/SECURITY.md").read_text(), re.MULTILINE)
    inside = "\n".join(path.read_text() for path in (ROOT / "tests/attacks/compose").glob("*.py"))
    assert len(rows) > 100
    for row in rows:
        tests, judges = re.findall(r"`(tests/[^`]+)`", row), re.findall(r"compose ((?:`\w+`(?:, )?)+)", row)
        assert tests or judges, row
        for arguments in tests:
            _choose(arguments)
        for name in re.findall(r"`(\w+)`", " ".join(judges)):
            assert f"def {name}(" in inside, row


def _choose(arguments: str) -> None:
    """Fails where the arguments of pytest choose no test, by any of their words."""
    chosen = shlex.split(arguments)
    paths = tuple(a for a in chosen if a.startswith("tests"))
    words = chosen[chosen.index("-k") + 1].split(" or ") if "-k" in chosen else [""]
    for word in words:
        assert [t for t in _collected() if t.startswith(paths) and word in t.lower()], (arguments, word)


def test_requirements_are_pinned_with_hashes_and_name_no_package_host() -> None:
    for file in sorted((ROOT / "requirements").glob("*.txt")):
        lines = [line for line in file.read_text().splitlines() if line and not line.lstrip().startswith("#")]
        assert not [line for line in lines if "://" in line or line.startswith("--index")]
        pins = [line for line in lines if not line.startswith(" ")]
        assert pins
        assert [line for line in pins if "==" not in line] == []
        assert file.read_text().count("--hash=sha256:") >= len(pins)


def test_a_test_that_needs_a_broker_fails_without_one(tmp_path: Path) -> None:
    """It is run where no RabbitMQ is installed, as far as it can see."""
    (tmp_path / "sitecustomize.py").write_text(
        "import native.rabbitmq, pathlib\nnative.rabbitmq.SERVER = pathlib.Path('/nonexistent')\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/stack/test_broker.py", "-x"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1, done.stdout
    assert "run scripts/setup" in done.stdout
    assert "skipped" not in done.stdout


@cache
def _collected() -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-o", "addopts="],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return [line for line in done.stdout.splitlines() if "::" in line]
