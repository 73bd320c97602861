"""The defects that others have (§2.2), put into our own translator one by one: each is caught, and by its row."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

import proxy.translation
from tests.proxy.translation import judging_requests
from tests.proxy.translation.defects import DEFECTS, Defect
from tests.proxy.translation.judging import judged_streams

SOURCES = Path(proxy.translation.__file__).parent
Package = Callable[[str], ModuleType]


def violations(package: Package) -> list[str]:
    """All that is wrong with a translation."""
    return judged_streams(package("stream").StreamTranslator) + judging_requests.judged(package)


@pytest.fixture
def mutant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Defect], Package]]:
    """Writes the real package under another name, with a defect in it, and gives its modules by their names."""

    def made(defect: Defect) -> Package:
        folder = tmp_path / "mutated_translation"
        folder.mkdir()
        for source in SOURCES.glob("*.py"):
            text = source.read_text()
            if source.stem == defect.module:
                for old, new in defect.changes:
                    assert text.count(old) == 1, f"{old!r} is not once in {source.name}"
                    text = text.replace(old, new)
            (folder / source.name).write_text(text.replace("proxy.translation", folder.name))
        monkeypatch.syspath_prepend(tmp_path)
        return lambda name: importlib.import_module(f"{folder.name}.{name}")

    yield made
    for name in [name for name in sys.modules if name.startswith("mutated_translation")]:
        del sys.modules[name]


def test_the_translator_as_it_is_has_no_defect(mutant: Callable[[Defect], Package]) -> None:
    assert violations(mutant(Defect("none", "", "stream", ()))) == []


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_is_caught_by_its_row(defect: Defect, mutant: Callable[[Defect], Package]) -> None:
    found = violations(mutant(defect))
    assert any(violation.startswith(f"{defect.row}:") for violation in found), found[:10]
