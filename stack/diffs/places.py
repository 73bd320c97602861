"""Which files must show all of their content, since they are in a new place or may be run now.

The same text is harmless in one place and runs in another: a workflow, a hook, a test's setup. A list of such places
has holes, so this is the other way round: the few moves that may stand as a name alone. docs/decisions/0025-moves.md
says why.
"""

from collections.abc import Iterable
from pathlib import PurePosixPath

from stack.diffs.media import MEDIA
from stack.diffs.parsing import Entry
from stack.diffs.values import EXECUTABLE, PLAIN, on_one_line

# Endings of files that are compiled, imported or read, and that no tool looks for. Data and settings are not among them
# (.json, .yml, .toml, .txt ...), nor what is a program as it stands (.sh, .ps1, .bat ...).
ORDINARY = {
    "adoc", "c", "cc", "clj", "cpp", "cs", "css", "cxx", "dart", "erl", "ex", "go", "h", "hpp", "hs", "html", "java",
    "js", "jsx", "kt", "less", "lua", "m", "md", "mjs", "php", "pl", "py", "pyi", "rb", "rs", "rst", "sass", "scala",
    "scss", "svg", "swift", "ts", "tsx", "vue", *MEDIA,
}  # fmt: skip
# What tools look for all the same, where it has such an ending. The rule does not rest on these lists.
LOOKED_FOR = {
    "build", "conftest", "fabfile", "gruntfile", "gulpfile", "main", "manage", "noxfile", "setup", "sitecustomize",
    "tasks", "usercustomize",
}  # fmt: skip
RUN_FROM = {
    "actions", "bin", "ci", "commands", "hook", "hooks", "initializers", "migrations", "plugins", "sbin", "script",
    "scripts", "tasks", "tools", "workflows",
}  # fmt: skip
# Folders whose files nobody runs: to leave the last of them is to come alive.
AT_REST = {
    "data", "doc", "docs", "example", "examples", "fixture", "fixtures", "sample", "samples", "template", "templates",
    "testdata", "third_party", "vendor",
}  # fmt: skip


def why_whole(entry: Entry, tops: Iterable[bytes]) -> str:
    """Why all of a file's new content must be shown beside its diff; empty where its diff is enough.

    `tops` are the names in the top folder after the change.
    """
    if entry.letter == "R" and not _may_move(entry, tops):
        return f"it was renamed from {on_one_line(entry.old.decode(errors='replace'))}"
    if entry.letter in "RM" and entry.new_mode == EXECUTABLE != entry.old_mode:
        return "it was made executable"
    return ""


def _may_move(entry: Entry, tops: Iterable[bytes]) -> bool:
    """Whether a file stays what it is: its name, its kind, and its top folder, unless all of that has moved."""
    old, new = (PurePosixPath(name.decode(errors="surrogateescape")) for name in (entry.old, entry.new))
    return (
        entry.old_mode == entry.new_mode == PLAIN
        and old.name == new.name
        and _is_ordinary_name(new)
        and all(_are_ordinary(path.parts[:-1]) for path in (old, new))
        and not (AT_REST.intersection(_lower(old)) - set(_lower(new)))
        and not RUN_FROM.intersection(_lower(new))
        and (old.parts[0] == new.parts[0] or entry.old.partition(b"/")[0] not in tops)
    )


def _is_ordinary_name(path: PurePosixPath) -> bool:
    stem, _, extension = path.name.partition(".")
    return extension.lower() in ORDINARY and bool(stem) and not stem.isupper() and stem.lower() not in LOOKED_FOR


def _are_ordinary(folders: tuple[str, ...]) -> bool:
    """Whether a file is in a folder, and in none whose name begins with a dot."""
    return bool(folders) and not any(folder.startswith(".") for folder in folders)


def _lower(path: PurePosixPath) -> list[str]:
    return [folder.lower() for folder in path.parts[:-1]]
