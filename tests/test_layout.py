"""The layout: who imports whom, who reads the environment, and what a role's folder holds."""

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import work
from stack.roles import AGENTS

ROOT = Path(__file__).parents[1]
SERVICES = ("agents", "bot", "forge", "orchestrator", "proxy")
FOLDERS = (*SERVICES, "native", "sim", "stack")
# folder → the folders of the project that it may import, besides itself
MAY_IMPORT = {**{name: {"stack"} for name in SERVICES}, "native": {*FOLDERS}, "sim": set(), "stack": set()}
SIMULATORS = sorted(p.name for p in (ROOT / "sim").iterdir() if (p / "__init__.py").exists())

LONGEST_FILE = 300  # lines, of a service
# What a review is made of, and where it may be named: in its own files, and in the tables that all work stands in.
OF_A_REVIEW = {
    "StartReview", "FetchPullRequest", "PlanReview", "FetchConversation", "ReviewChange", "CheckFindings",
    "DraftReview", "FetchHead", "PostReview", "Review",
}  # fmt: skip
FILES_OF_A_REVIEW = (
    "agents/pr_reviewer/", "bot/commands/review.py", "forge/compose.py", "forge/conversation.py",
    "forge/github/reviews.py", "forge/pulls.py", "forge/reviews.py", "forge/sending.py", "orchestrator/local/review.py",
    "orchestrator/words/review.py", "orchestrator/workflows/review.py", "stack/work/beforehand.py",
    "stack/work/review.py",
)  # fmt: skip
TABLES = ("forge/__main__.py",)
STORIES = "orchestrator/workflows/"  # no joints: another workflow's may use the review's briefs
OTHER_WORDS = {"link_preview_is_disabled"}  # Telegram's

# Besides each service's `__main__.py`, which hands on what it read:
READ_THE_ENVIRONMENT = {
    "stack/settings.py",  # the one place that a service's settings come from
    "stack/health.py",  # a program of its own
    "stack/git.py",  # where this machine's certificates are, for git
    "sim/not_github/git.py",  # PATH, for git
    "native/processes.py",  # PATH and the like, for the processes of a stack
    "native/rabbitmq.py",
}
ENVIRONMENT = ("environ", "environb", "getenv", "getenvb")
# import name → what brings it, where that is not its name; None: for the type checker alone
BROUGHT_BY = {
    "werkzeug": "flask", "dotenv": "pydantic_settings", "markdown_it": "markdown_it_py", "yaml": "pyyaml",
    "urllib3": "requests",
    "_typeshed": None,
}  # fmt: skip


def files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield node.module or ""


def reads_the_environment(path: Path) -> bool:
    return any(is_environment(node) for node in ast.walk(ast.parse(path.read_text())))


def is_environment(node: ast.AST) -> bool:
    """Whether it says `os.environ` or the like; `request.environ` is something else."""
    match node:
        case ast.Attribute(value=ast.Name(id="os"), attr=name):
            return name in ENVIRONMENT
        case ast.ImportFrom(module="os", names=names):
            return any(alias.name in ENVIRONMENT for alias in names)
    return False


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_imports_what_it_may_alone(folder: str) -> None:
    own = {folder, *MAY_IMPORT[folder]}
    wrong = {(relative(p), m) for p in files(folder) for m in imported(p) if m.split(".")[0] in {*FOLDERS} - own}
    assert not wrong


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_product_imports_tests_or_benchmarks(folder: str) -> None:
    assert not {relative(p) for p in files(folder) for m in imported(p) if m.split(".")[0] in ("tests", "bench")}


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_a_simulator_knows_no_other(simulator: str) -> None:
    own = f"sim.{simulator}"
    modules = {m for p in files(f"sim/{simulator}") for m in imported(p) if m.startswith("sim.")}
    assert not {m for m in modules if m != own and not m.startswith(f"{own}.")}


@pytest.mark.parametrize("folder", ["agents", "proxy", "stack"])
def test_what_is_idle_does_not_import_what_only_a_task_needs(folder: str) -> None:
    """claude-agent-sdk is imported only when there is a task: idle memory."""
    wrong = set()
    for path in files(folder):
        top = ast.Module(
            [n for n in ast.parse(path.read_text()).body if isinstance(n, ast.Import | ast.ImportFrom)], []
        )
        names = {a.name for n in ast.walk(top) if isinstance(n, ast.Import) for a in n.names}
        names |= {n.module or "" for n in ast.walk(top) if isinstance(n, ast.ImportFrom)}
        wrong |= {relative(path) for name in names if name.startswith("claude_agent_sdk")}
    assert not wrong


def test_only_the_entrance_of_a_service_reads_the_environment() -> None:
    readers = {relative(p) for folder in FOLDERS for p in files(folder) if reads_the_environment(p)}
    assert {name for name in readers if not name.endswith("__main__.py")} == READ_THE_ENVIRONMENT


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_can_be_started_as_a_module_and_has_settings(service: str) -> None:
    assert (ROOT / service / "__main__.py").exists()
    assert (ROOT / service / "settings.py").exists()


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_file_says_first_what_it_is_for(folder: str) -> None:
    silent = {relative(p) for p in files(folder) if p.read_text() and not ast.get_docstring(ast.parse(p.read_text()))}
    assert not silent


@pytest.mark.parametrize("folder", [*SERVICES, "stack"])
def test_a_file_of_the_services_is_divided_where_it_grows_long(folder: str) -> None:
    assert not {relative(p): n for p in files(folder) if (n := len(p.read_text().splitlines())) > LONGEST_FILE}


def names(path: Path) -> set[str]:
    """Every name that a file's code says; what stands in texts does not count."""
    said: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
                said.add(name)
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                said.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                said |= {name for alias in aliases for name in (alias.name, alias.asname) if name}
    return said


@pytest.mark.parametrize("folder", [*SERVICES, "stack"])
def test_a_review_is_named_in_its_own_files_and_the_tables_alone(folder: str) -> None:
    """The next workflow finds joints that know nothing of this one."""
    naming = {relative(p) for p in files(folder) if names(p) & OF_A_REVIEW}
    assert {name for name in naming if not name.startswith((*FILES_OF_A_REVIEW, STORIES))} <= set(TABLES)


@pytest.mark.parametrize("folder", [*SERVICES, "stack"])
def test_no_general_file_has_the_word_review_in_a_name(folder: str) -> None:
    general = [p for p in files(folder) if not relative(p).startswith((*FILES_OF_A_REVIEW, *TABLES))]
    said = {(relative(p), name) for p in general for name in names(p) - OTHER_WORDS if "review" in name.lower()}
    assert not said


# --- work and roles -----------------------------------------------------------------------------------


def test_every_agents_role_has_a_folder_and_the_other_way_round() -> None:
    assert {p.parent.name for p in (ROOT / "agents").glob("*/prompt.md")} == set(AGENTS)


@pytest.mark.parametrize("role", AGENTS)
def test_a_role_says_how_each_kind_of_its_work_is_done_and_of_no_other(role: str) -> None:
    table = importlib.import_module(f"agents.{role}").TABLE
    assert set(table) == {brief for brief in work.briefs().values() if brief.by == role}


def test_the_forges_table_has_each_kind_of_its_work() -> None:
    kinds = {brief.__name__ for brief in work.briefs().values() if brief.by == "forge"}
    assert kinds <= names(ROOT / "forge/__main__.py")


def test_each_workflow_has_a_story() -> None:
    assert {path.stem for path in (ROOT / STORIES).glob("*.py")} - {"__init__"} == set(work.starts())


@pytest.mark.parametrize("role", AGENTS)
def test_a_roles_prompts_stand_in_its_folder_and_have_no_holes(role: str) -> None:
    """The brief travels beside the prompt, as data."""
    prompts = {path.read_text() for path in (ROOT / "agents" / role).glob("*.md")}
    table = importlib.import_module(f"agents.{role}").TABLE
    assert {setup.system_prompt for setup in table.values()} <= prompts
    assert not [prompt for prompt in prompts if "{" in prompt or not prompt.strip()]


def test_every_library_is_one_that_the_project_asks_for_or_pythons_own() -> None:
    own = {*FOLDERS, *sys.stdlib_module_names}
    wanted = {m.split(".")[0] for folder in FOLDERS for p in files(folder) for m in imported(p)} - own
    asked = (ROOT / "pyproject.toml").read_text().replace("-", "_")
    brought_by = {name: BROUGHT_BY.get(name, name) for name in wanted}
    assert not {name for name, by in brought_by.items() if by and f'"{by}' not in asked}
