"""What the reviewer knows: a table of plain rules, each a pattern that an added line may match."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import PurePosixPath

_ASIDE = {"scripts", "examples", "example", "docs", "docs_src", "bench", "benchmarks", "tools"}
_CODE = {".py", ".js", ".ts", ".tsx", ".go", ".rs", ".java", ".c", ".h", ".cc", ".cpp", ".rb", ".php", ".sh"}


def is_python(path: str) -> bool:
    return path.endswith((".py", ".pyi"))


def is_code(path: str) -> bool:
    return PurePosixPath(path).suffix in _CODE


def is_test(path: str) -> bool:
    """Whether the file holds tests, judged by its name and its folders."""
    file = PurePosixPath(path)
    return (
        bool({"test", "tests"} & set(file.parts)) or file.stem.startswith(("test_", "conftest")) or "_test" in file.stem
    )


def is_python_test(path: str) -> bool:
    return is_python(path) and is_test(path)


def is_library(path: str) -> bool:
    """Whether the file is Python that others import: no test, script, example or command."""
    file = PurePosixPath(path)
    aside = _ASIDE & set(file.parts) or file.stem in {"__main__", "setup", "cli", "conf", "noxfile"}
    return is_python(path) and not is_test(path) and not aside


def is_shipped(path: str) -> bool:
    return not is_test(path)


def is_shipped_python(path: str) -> bool:
    return is_python(path) and not is_test(path)


def anywhere(path: str) -> bool:
    return True


@dataclass(frozen=True)
class Note:
    """What a finding says, of which kind it is, how grave that is, and how sure."""

    name: str
    kind: str
    severity: str
    confidence: float
    title: str = field(kw_only=True)
    explanation: str = field(kw_only=True)


@dataclass(frozen=True)
class Rule(Note):
    """A note on an added line that `pattern` matches and `unless` does not, in a file that `files` accepts.

    `after` must match the next line; `not_after` must not match it, and then there must be one. The line is seen
    without Python's comments and with empty strings, except by a `raw` rule. `fix`: what to replace, and by what.
    """

    files: Callable[[str], bool]
    pattern: str
    unless: str | None = None
    after: str | None = None
    not_after: str | None = None
    raw: bool = False
    fix: tuple[str, str] | None = None


REMOVED_TEST = Note(
    "removed-test", "tests", "medium", 0.5,
    title="Test removed",
    explanation="The test is gone, and none of its name is added. What it proved is no longer proved.",
)  # fmt: skip
UNTESTED = Note(
    "untested", "tests", "low", 0.3,
    title="Change without a test",
        explanation=(
            "The change adds code here and touches no test. One that fails without the change would show what "
            "it is for."
        ),
)  # fmt: skip

_SQL = r"(select\s.+\sfrom|insert\s+into|update\s.+\sset|delete\s+from)\s"

RULES = (
    Rule(
        "merge-marker", "correctness", "critical", 0.98, anywhere,
        r"^(<<<<<<<|>>>>>>>) ",
        raw=True,
        title="Merge conflict left in the file",
        explanation=(
            "This line is a conflict marker that git wrote. The conflict was committed without being resolved."
        ),
    ),
    Rule(
        "private-key", "security", "critical", 0.9, anywhere,
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
        raw=True,
        title="Private key in the repository",
        explanation=(
            "Whoever can read the repository, now or later, can use this key. Revoke it and keep the new one "
            "outside."
        ),
    ),
    Rule(
        "secret", "security", "high", 0.6, is_shipped,
        r"""(?i)\b\w*(password|passwd|secret|api_?key|auth_?token|access_?token)["']?\s*[:=]\s*["'][^"'\s<>{}$]{8,}["']""",
        raw=True,
        title="Secret written into the code",
        explanation=(
            "The value looks like a secret. It stays in the history even if it is removed later; read it from "
            "the environment."
        ),
    ),
    Rule(
        "eval", "security", "high", 0.8, is_python,
        r"(?<![\w.])(eval|exec)\(",
        title="Text is run as code",
        explanation=(
            "`eval` and `exec` run whatever they are given. Where any of it can come from outside, it is a way "
            "in."
        ),
    ),
    Rule(
        "shell", "security", "high", 0.8, is_python,
        r"\bshell\s*=\s*True\b",
        title="Command goes through a shell",
        explanation=(
            "With `shell=True` every part of the command that comes from outside can add commands. Pass a list "
            "of arguments."
        ),
    ),
    Rule(
        "os-system", "security", "high", 0.8, is_python,
        r"\bos\.(system|popen)\(",
        title="Command goes through a shell",
        explanation=(
            "`os.system` and `os.popen` use a shell and hide failures. `subprocess.run` with a list and "
            "`check=True` does neither."
        ),
    ),
    Rule(
        "sql", "security", "high", 0.7, is_python,
        rf'''(?i)\.execute(many)?\(\s*f["']|f["']\s*{_SQL}.*\{{|["']\s*{_SQL}[^"']*["']\s*(%|\+|\.format\()''',
        raw=True,
        title="SQL is put together from strings",
        explanation=(
            "A value with a quote in it breaks the statement or changes what it does. Pass values as "
            "parameters."
        ),
    ),
    Rule(
        "pickle", "security", "high", 0.6, is_python,
        r"\bpickle\.loads?\(",
        title="Unpickling runs code",
        explanation=(
            "Whoever can write the pickled bytes can run code here. Use a format that holds data only, such as "
            "JSON."
        ),
    ),
    Rule(
        "yaml-load", "security", "high", 0.8, is_python,
        r"\byaml\.load\(",
        unless=r"Safe(Full)?Loader",
        fix=(r"\byaml\.load\(([^,()]*)\)", r"yaml.safe_load(\1)"),
        title="YAML is loaded with code allowed",
        explanation="Without a safe loader a YAML document can create any Python object.",
    ),
    Rule(
        "verify", "security", "high", 0.8, is_shipped_python,
        r"\bverify\s*=\s*False\b",
        fix=(r"\bverify\s*=\s*False\b", "verify=True"),
        title="Certificates are not checked",
        explanation=(
            "Anyone on the way can read and change what is sent. For a private authority pass its certificate "
            "instead."
        ),
    ),
    Rule(
        "debugger", "correctness", "high", 0.9, is_python,
        r"(?<![\w.])breakpoint\(\)|\bi?pdb\.set_trace\(|^\s*import i?pdb\b",
        title="Debugger left in",
        explanation="The process stops here and waits for someone at a terminal.",
    ),
    Rule(
        "bare-except", "error_handling", "medium", 0.9, is_python,
        r"^\s*except\s*:",
        fix=(r"\bexcept\s*:", "except Exception:"),
        title="Everything is caught",
        explanation=(
            "A bare `except:` also catches KeyboardInterrupt and SystemExit, so that the program cannot be "
            "stopped here."
        ),
    ),
    Rule(
        "swallowed", "error_handling", "medium", 0.8, is_python,
        r"^\s*except\s+\(?(Base)?Exception\)?(\s+as\s+\w+)?\s*:\s*$",
        after=r"^\s*(pass|\.\.\.)\s*(#|$)",
        title="Any error is swallowed",
        explanation=(
            "Whatever goes wrong in the block above leaves no trace. Catch what is expected, or log the error."
        ),
    ),
    Rule(
        "mutable-default", "correctness", "medium", 0.9, is_python,
        r"\bdef \w+\(.*=\s*(\[\]|\{\}|list\(\)|dict\(\)|set\(\))\s*[,)]",
        title="Default value is shared between calls",
        explanation=(
            "The default is made once: what one call puts in, the next one finds. Use None and make it inside."
        ),
    ),
    Rule(
        "no-timeout", "resources", "medium", 0.7, is_python,
        r"\brequests\.(get|post|put|patch|delete|head|options)\(.*\)|\burlopen\([^,]*\)|\btimeout\s*=\s*None\)",
        unless=r"\btimeout\s*=\s*(?!None)|\bdef ",
        title="Network call without a time limit",
        explanation="If the other side accepts the connection and then says nothing, this waits for ever.",
    ),
    Rule(
        "weak-hash", "security", "medium", 0.6, is_python,
        r"\bhashlib\.(md5|sha1)\(",
        unless=r"usedforsecurity\s*=\s*False",
        title="Weak hash",
        explanation=(
            "MD5 and SHA-1 are broken. Use SHA-256, or say `usedforsecurity=False` where nothing depends on it."
        ),
    ),
    Rule(
        "mktemp", "security", "medium", 0.9, is_python,
        r"\btempfile\.mktemp\(",
        title="Temporary name can be taken by another",
        explanation=(
            "Between `mktemp` and the opening of the file someone else can create it. Use `mkstemp` or "
            "`NamedTemporaryFile`."
        ),
    ),
    Rule(
        "assert", "error_handling", "medium", 0.5, is_library,
        r"^\s*assert\b",
        unless=r"\bassert (False\b|.*\bis not None$|isinstance\()",
        title="`assert` guards the program",
        explanation=(
            "Under `python -O` the check is not there. If it judges input or state, raise an exception instead."
        ),
    ),
    Rule(
        "equals-none", "correctness", "low", 0.9, is_python,
        r"[^=!<>]== None\b",
        fix=(r"== None\b", "is None"),
        title="Comparison with None by ==",
        explanation="`==` asks the object, which may answer anything. `is` compares with None itself.",
    ),
    Rule(
        "differs-none", "correctness", "low", 0.9, is_python,
        r"!= None\b",
        fix=(r"!= None\b", "is not None"),
        title="Comparison with None by !=",
        explanation="`!=` asks the object, which may answer anything. `is not` compares with None itself.",
    ),
    Rule(
        "print", "maintainability", "low", 0.6, is_library,
        r"^\s*print\(",
        title="`print` in a library",
        explanation="Whoever uses this module cannot turn the line off. Use a logger.",
    ),
    Rule(
        "star-import", "maintainability", "low", 0.7, is_library,
        r"^\s*from \S+ import \*",
        title="Names imported by *",
        explanation="A reader cannot see where a name comes from, and a new name there can replace one here.",
    ),
    Rule(
        "late-import", "maintainability", "low", 0.4, is_library,
        r"^\s{8,}(from \S+ import \w|import \w)",
        title="Import within a function",
        explanation="It fails only when the function runs, and the file's top does not show it. Say why it is here.",
    ),
    Rule(
        "half-annotated", "contract", "low", 0.5, is_library,
        r"\bdef \w+\((self,\s*|cls,\s*)?(?!self\b|cls\b)[a-z_]\w*\s*[,)].*->",
        title="Annotated in part",
        explanation="The result has a type, a parameter has none: a type checker takes it for anything and is silent.",
    ),
    Rule(
        "utcnow", "correctness", "low", 0.8, is_python,
        r"\bdatetime\.(utcnow|utcfromtimestamp)\(",
        title="UTC time without its zone",
        explanation=(
            "The value has no zone and is taken for local time elsewhere; the function is deprecated. Use "
            "`datetime.now(timezone.utc)`."
        ),
    ),
    Rule(
        "open-encoding", "correctness", "low", 0.6, is_library,
        r"""(?<![\w.])open\([^()]*\)""",
        unless=r"""encoding|["'][rwax+t]*b[rwax+t]*["']|#.*open\(|\bdef """,
        raw=True,
        title="Text file opened without an encoding",
        explanation="The encoding then depends on the machine. Say `encoding=\"utf-8\"`, or open it in binary mode.",
    ),
    Rule(
        "no-docstring", "maintainability", "low", 0.4, is_library,
        r"^(    )?(async )?def [a-z]\w*\(.*\).*:\s*$|^class [A-Z]\w*.*:\s*$",
        not_after=r"""^\s*[rRuU]?["']""",
        title="Public name without a docstring",
        explanation="Nothing says what it promises: what comes back, what is raised. One line would do.",
    ),
    Rule(
        "type-ignore", "maintainability", "low", 0.8, is_python,
        r"#\s*type:\s*ignore(?!\[)",
        raw=True,
        title="`type: ignore` without a code",
        explanation=(
            "It hides every error on the line, also those to come. Name the one that is meant: `type: "
            "ignore[code]`."
        ),
    ),
    Rule(
        "noqa", "maintainability", "low", 0.8, is_python,
        r"(?i)#\s*noqa(?!\s*:)\b",
        raw=True,
        title="`noqa` without a code",
        explanation=(
            "It hides every warning on the line, also those to come. Name the one that is meant: `noqa: CODE`."
        ),
    ),
    Rule(
        "test-sleep", "tests", "low", 0.6, is_python_test,
        r"\btime\.sleep\(|(?<![\w.])sleep\(",
        title="Test waits for a fixed time",
        explanation="Too short on a busy machine, too long on every other. Wait for the event itself, with a limit.",
    ),
    Rule(
        "skipped-test", "tests", "low", 0.5, is_python_test,
        r"\b(pytest\.mark\.(skip|xfail)|unittest\.skip|pytest\.skip\()",
        title="Test is skipped",
        explanation="A test that does not run proves nothing. Say until when, and what has to happen first.",
    ),
    Rule(
        "todo", "maintainability", "low", 0.7, is_code,
        r"\b(TODO|FIXME|XXX)\b",
        raw=True,
        title="Work left open",
        explanation=(
            "The change brings a note of something unfinished. Do it now, or put it where it is not forgotten: "
            "an issue."
        ),
    ),
    Rule(
        "old-code", "maintainability", "low", 0.5, is_python,
        r"^\s*#\s*(def \w+\(.*\):|import \w+$|from \S+ import \w+|return \w+\(.*\)$|if .+\):$|[\w.]+ = \w+\(.*\)$)",
        raw=True,
        title="Code commented out",
        explanation="A reader cannot tell whether it is still meant. The history keeps what is deleted.",
    ),
    Rule(
        "long-line", "maintainability", "low", 0.6, is_code,
        r"^.{161}",
        raw=True,
        title="Line of more than 160 characters",
        explanation="It cannot be read beside another one in a review.",
    ),
    Rule(
        "trailing-space", "maintainability", "low", 0.9, is_code,
        r"[ \t]+$",
        raw=True,
        fix=(r"[ \t]+$", ""),
        title="Spaces at the end of the line",
        explanation="Nobody sees them, and the next person's editor removes them, which makes a change of nothing.",
    ),
)  # fmt: skip

_STRING = re.compile(r"""[rbuf]{0,2}("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')""", re.IGNORECASE)


def rules_for(path: str) -> list[Rule]:
    """The rules that look at such a file."""
    return [rule for rule in RULES if rule.files(path)]


def matches(rule: Rule, line: str, following: str | None) -> bool:
    """Whether the rule has something to say about an added line, given the line after it, if that was shown."""
    seen = line if rule.raw else _bare(line)
    if not re.search(rule.pattern, seen):
        return False
    if rule.unless and re.search(rule.unless, seen):
        return False
    return _allowed_by(rule, following)


def _allowed_by(rule: Rule, following: str | None) -> bool:
    if rule.after:
        return following is not None and bool(re.search(rule.after, following))
    if rule.not_after:
        return following is not None and not re.search(rule.not_after, following)
    return True


@lru_cache(maxsize=1)  # every rule asks for the same line before the next one comes
def _bare(line: str) -> str:
    """A line of Python with its strings emptied and its comment cut off."""
    return _STRING.sub('""', line).split("#")[0].rstrip()


def suggestion(rule: Rule, line: str) -> str | None:
    """The line as the rule would have it, where that is safe to say."""
    if rule.fix is None:
        return None
    fixed = re.sub(*rule.fix, line)
    return fixed if fixed != line else None
