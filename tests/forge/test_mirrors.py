"""Mirrors: what damages one, what does not, and that nobody who reads it is disturbed."""

import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from forge.mirrors import Mirrors, Wanted, fetch
from forge.mirrors.copies import READ_SECONDS, Copies
from forge.mirrors.words import Damaged, of_fetching, of_reading
from sim.not_github import client
from stack import diff
from stack.assignment import Stopped
from stack.errors import GiveUp, Refused, TryAgain
from stack.work.review import FetchPullRequest, PullRequest
from tests.forge.conftest import Refusal, World, assignment, review_of
from tests.sim.not_github import TOKEN, commit, git, pushed_pull, with_token
from tests.sim.openapi import Contract

Damage = Callable[[Path, PullRequest], object]


def overwrite(file: Path, content: bytes) -> bool:
    file.chmod(0o600)
    return bool(file.write_bytes(content))


def lose(mirror: Path, name: str) -> None:
    """Removes one object, after the packs have become files of their own."""
    sha = git("rev-parse", name, folder=mirror)
    for pack in (mirror / "objects" / "pack").glob("*.pack"):
        content = pack.read_bytes()
        for file in pack.parent.glob(f"{pack.stem}.*"):
            file.unlink()
        git("unpack-objects", "-q", folder=mirror, stdin=content)
    (mirror / "objects" / sha[:2] / sha[2:]).unlink()


def touched(file: Path) -> Path:
    file.touch()
    return file


def each_object(mirror: Path) -> Iterator[Path]:
    return filter(Path.is_file, (mirror / "objects").rglob("*"))


DAMAGES: dict[str, Damage] = {
    "no objects": lambda mirror, _: subprocess.run(["rm", "-r", mirror / "objects"], check=True),
    "no references": lambda mirror, _: subprocess.run(["rm", "-r", mirror / "refs"], check=True),
    "an empty HEAD": lambda mirror, _: overwrite(mirror / "HEAD", b""),
    "garbled objects": lambda mirror, _: [overwrite(file, b"garbage") for file in each_object(mirror)],
    "empty objects": lambda mirror, _: [overwrite(file, b"") for file in each_object(mirror)],
    "garbled references": lambda mirror, _: overwrite(touched(mirror / "packed-refs"), b"garbage\n"),
    "a lost parent": lambda mirror, pull: lose(mirror, pull.base_sha),
    "a lost tree": lambda mirror, pull: lose(mirror, f"{pull.head_sha}^{{tree}}"),
    "a lost file": lambda mirror, pull: lose(mirror, f"{pull.head_sha}:shop.py"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_mirror_is_made_anew_beside_the_old_one(world: World, shop: PullRequest, damage: Damage) -> None:
    mirror = world.mirrors.path(shop.repository)
    damage(mirror, shop)
    other = World(world.url, world.data, Contract())  # remembers no diff

    assert other.fetch(shop.repository) == shop
    assert mirror.exists()
    assert other.mirrors.path(shop.repository) == mirror.with_name(f"{mirror.name}.1")
    assert other.sender.said[-1] == f"Cloning {shop.repository} anew: its mirror is damaged"


def test_a_commit_that_is_only_missing_is_fetched_again(world: World, shop: PullRequest) -> None:
    mirror = world.mirrors.path(shop.repository)
    lose(mirror, shop.head_sha)

    assert world.fetch(shop.repository) == shop
    assert world.mirrors.path(shop.repository) == mirror


def test_a_lock_that_a_killed_git_left_is_no_end(world: World, shop: PullRequest, tmp_path: Path) -> None:
    mirror = world.mirrors.path(shop.repository)
    (mirror / "refs" / "heads" / "change.lock").touch()
    head = commit(tmp_path / "tree", {"shop.py": b"all new\n"})
    git("push", "--quiet", with_token(f"{world.url}/{shop.repository}.git"), "change", folder=tmp_path / "tree")

    assert world.fetch(shop.repository).head_sha == head
    assert world.mirrors.path(shop.repository) != mirror


def test_a_change_that_is_too_large_costs_no_mirror(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diff, "MOST_BYTES", 1 << 20)
    pushed_pull(world.url, "large", tmp_path / "tree", {"a": b"1\n"}, {"a.sql": b"INSERT\n" * 300_000})
    before = len(world.asked())

    for _ in range(2):
        outcome = world.fetch("acme/large")
        assert (outcome.kind, outcome.after) == ("give up", None)
        assert "the change is too large to review: its diff has 2 MB, 1 is most" in outcome.what
    assert len(git_fetches(world, "large", before)) == 1
    assert world.mirrors.path("acme/large").name == "large.git"


def git_fetches(world: World, name: str, since: int = 0) -> list[str]:
    return [one for one in world.asked()[since:] if one == f"GET /acme/{name}.git/info/refs"]


@pytest.mark.parametrize(
    ("printed", "kind"),
    [
        ("fatal: words that nobody has seen", TryAgain),
        ("", TryAgain),
        ("fatal: Out of memory, malloc failed (tried to allocate 8 bytes)", TryAgain),
        ("remote: fatal: loose object 01 (stored in x) is corrupt\nfatal: the remote end hung up", TryAgain),
        ("fatal: unable to write: No space left on device\nerror: inflate: data stream error", TryAgain),
        ("error: fsck error in packed object\nfatal: fetch-pack: invalid index-pack output", GiveUp),
        ("remote: Account suspended\nfatal: The requested URL returned error: 403", Refused),
        ("fatal: repository 'https://github.com/a/b.git/' not found", GiveUp),
        ("fatal: https://github.com/a/b.git/info/refs not valid: is this a git repository?", TryAgain),
        ("fatal: bad object refs/heads/main\nerror: x did not send all necessary objects", Damaged),
        (f"fatal: loose object {'0' * 40} (stored in x) is corrupt\nfatal: the remote end hung up", Damaged),
    ],
)
def test_only_words_of_damage_are_taken_for_damage(printed: str, kind: type[Exception]) -> None:
    assert type(of_fetching(printed, "acme/shop", 1)) is kind
    assert (type(of_reading(printed)) is Damaged) == (kind is Damaged or "data stream error" in printed)


def test_what_git_says_of_a_refusal_is_told() -> None:
    printed = "remote: The organization has enabled SAML SSO.\nfatal: The requested URL returned error: 403"

    assert str(of_fetching(printed, "acme/shop", 1)).endswith("(403): The organization has enabled SAML SSO.")


def test_a_disk_that_is_full_is_outwaited() -> None:
    error = of_fetching("fatal: sha1 file write error: No space left on device", "acme/shop", 1)

    assert (str(error), getattr(error, "after", None)) == (
        "The forge's disk is full, acme/shop cannot be fetched",
        300,
    )


# --- others read meanwhile ------------------------------------------------------------------------------


def second_pull(world: World, shop: PullRequest, tree: Path) -> PullRequest:
    """Another pull request of the same repository, fetched."""
    git("switch", "--quiet", "--create", "other", "main", folder=tree)
    commit(tree, {"other.py": b"1\n"})
    git("push", "--quiet", with_token(f"{world.url}/{shop.repository}.git"), "other", folder=tree)
    wanted = {"base": "main", "head": "other", "title": "Another"}
    client.call("POST", f"{world.url}/_sim/repos/{shop.repository}/pulls", wanted)
    found = world.fetch(shop.repository, 2)
    assert isinstance(found, PullRequest)
    return found


def test_who_reads_the_old_mirror_goes_on_and_finds_everything_in_the_new_one(
    world: World, shop: PullRequest, tmp_path: Path
) -> None:
    other = second_pull(world, shop, tmp_path / "tree")
    # its branch goes: from here on the reference of the pull request alone holds it
    git("push", "--quiet", with_token(f"{world.url}/{shop.repository}.git"), ":other", folder=tmp_path / "tree")
    old = world.mirrors.path(shop.repository)
    lose(old, f"{shop.head_sha}:shop.py")
    world.fault(path_regex="info/refs", delay_seconds=1)
    fresh, seen = World(world.url, world.data, Contract()), set()

    with ThreadPoolExecutor() as pool:
        anew = pool.submit(fresh.fetch, shop.repository)
        while not anew.done():
            path = fresh.mirrors.path(shop.repository)
            seen.add(path)
            assert git("cat-file", "-t", other.head_sha, folder=path) == "commit"
    assert anew.result() == shop

    new = fresh.mirrors.path(shop.repository)
    assert new != old
    assert old in seen
    for path in (old, new):
        assert git("cat-file", "-t", other.head_sha, folder=path) == "commit"


def test_many_who_find_the_damage_at_once_make_one_mirror(world: World, shop: PullRequest) -> None:
    mirror = world.mirrors.path(shop.repository)
    lose(mirror, f"{shop.head_sha}:shop.py")
    fresh = World(world.url, world.data, Contract())

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(lambda _: fresh.fetch(shop.repository), range(6)))

    assert outcomes == [shop] * 6
    assert sorted(path.name for path in mirror.parent.glob(f"{mirror.name}*")) == [mirror.name, f"{mirror.name}.1"]


def test_a_new_mirror_that_cannot_be_had_leaves_the_old_one(world: World, shop: PullRequest) -> None:
    mirror = world.mirrors.path(shop.repository)
    lose(mirror, f"{shop.head_sha}:shop.py")
    world.fault(path_regex="info/refs", status=503)
    fresh = World(world.url, world.data, Contract())

    assert fresh.fetch(shop.repository).after == 30
    assert fresh.mirrors.path(shop.repository) == mirror
    assert git("cat-file", "-t", shop.head_sha, folder=mirror) == "commit"
    assert fresh.fetch(shop.repository) == shop


def test_a_replaced_mirror_goes_when_nobody_can_read_it_any_more(tmp_path: Path) -> None:
    now = 0.0
    copies, folder = Copies(tmp_path, lambda: now), tmp_path / "acme"
    for name in ("shop.git", "shop.git.2", "shop.git.10", "shop.git.x.git", "shop.git.7.git", "shop2.git"):
        (folder / name / "objects" / "pack").mkdir(parents=True)
    assert copies.repositories() == {"acme/shop", "acme/shop.git.x", "acme/shop.git.7", "acme/shop2"}
    assert copies.newest("Acme/Shop") == folder / "shop.git.10"
    copies.beside("acme/shop").mkdir()
    copies.replace("acme/shop", folder / "shop.git.new")
    assert copies.newest("acme/shop") == folder / "shop.git.11"

    def tidied() -> list[str]:
        for repository in copies.repositories():
            copies.tidy(repository)
        return sorted(path.name for path in folder.glob("shop.git*"))

    others = ["shop.git.7.git", "shop.git.x.git"]
    # of those that were replaced before this process began, nobody has any left to read
    assert tidied() == ["shop.git.10", "shop.git.11", *others]
    now = READ_SECONDS + 1
    assert tidied() == ["shop.git.11", *others]


def test_what_a_killed_git_had_begun_goes(world: World, shop: PullRequest) -> None:
    mirror = world.mirrors.path(shop.repository)
    (mirror / "objects" / "pack" / "tmp_pack_x").touch()
    mirror.with_name(f"{mirror.name}.new").mkdir()

    world.mirrors.tidy()

    assert not [*mirror.glob("objects/pack/tmp_*"), *mirror.parent.glob("*.new")]
    assert World(world.url, world.data, Contract()).fetch(shop.repository) == shop


# --- earlier heads ----------------------------------------------------------------------------------------


def force_pushed(world: World, shop: PullRequest, tree: Path) -> PullRequest:
    git("commit", "--quiet", "--all", "--amend", "--message", "other", folder=tree)
    git("push", "--quiet", "--force", with_token(f"{world.url}/{shop.repository}.git"), "change", folder=tree)
    found = world.fetch(shop.repository)
    assert isinstance(found, PullRequest)
    return found


def test_how_the_head_moved_is_known_of_a_head_that_no_branch_has(
    world: World, shop: PullRequest, tmp_path: Path
) -> None:
    now = force_pushed(world, shop, tmp_path / "tree")

    told = [
        world.mirrors.movement(shop.repository, old, now.head_sha, now.base_sha) for old in (shop.head_sha, "0" * 40)
    ]
    assert told == [("rebased", 0), ("", 0)]
    assert world.mirrors.movement("acme/elsewhere", shop.head_sha, now.head_sha, now.base_sha) == ("", 0)


@pytest.mark.parametrize(("kept", "told"), [(True, ("forced", 0)), (False, ("", 0))])
def test_a_head_that_is_kept_outlives_its_mirror(
    world: World, shop: PullRequest, tmp_path: Path, kept: bool, told: tuple[str, int]
) -> None:
    if kept:
        world.mirrors.keep(shop.repository, shop.head_sha)
        world.mirrors.keep(shop.repository, "0" * 40)  # is not there
    (tmp_path / "tree" / "shop.py").write_text("all new\n")
    now = force_pushed(world, shop, tmp_path / "tree")
    old = world.mirrors.path(shop.repository)
    lose(old, f"{now.head_sha}:shop.py")
    fresh = World(world.url, world.data, Contract())

    assert fresh.fetch(shop.repository) == now

    assert fresh.mirrors.path(shop.repository) != old
    assert fresh.mirrors.movement(shop.repository, shop.head_sha, now.head_sha, now.base_sha) == told


# --- long fetches -----------------------------------------------------------------------------------------


def test_a_long_clone_keeps_no_other_worker(world: World) -> None:
    world.mirrors = Mirrors(folder=world.data / "mirrors", url=world.url, token=TOKEN, turn_seconds=0.1)
    told = client.call("GET", f"{world.url}/repos/acme/shop/pulls/12")
    wanted = Wanted("acme/shop", 12, told["base"]["sha"], told["head"]["sha"])
    at = assignment(FetchPullRequest(repository="acme/shop", number=12))
    world.fault(path_regex="info/refs", delay_seconds=2)

    with ThreadPoolExecutor() as pool:
        first = pool.submit(world.mirrors.change, wanted, at)
        while not at.sender.said:  # type: ignore[attr-defined]
            time.sleep(0.01)
        with pytest.raises(TryAgain, match="acme/shop is being fetched for another run") as refused:
            world.mirrors.change(wanted, assignment(at.task.brief))
        assert not first.done()
        assert first.result().files
    assert refused.value.after == 20


def test_a_clone_is_stopped_and_leaves_nothing_behind(world: World) -> None:
    told = client.call("GET", f"{world.url}/repos/acme/shop/pulls/12")
    wanted = Wanted("acme/shop", 12, told["base"]["sha"], told["head"]["sha"])
    at = assignment(FetchPullRequest(repository="acme/shop", number=12))
    world.fault(path_regex="info/refs", delay_seconds=5)
    began = time.monotonic()

    with ThreadPoolExecutor() as pool:
        cloning = pool.submit(world.mirrors.change, wanted, at)
        while not gits_of(world):
            time.sleep(0.01)
        at.stop.set("cancelled")
        with pytest.raises(Stopped, match="cancelled"):
            cloning.result()

    assert time.monotonic() - began < 4
    assert not gits_of(world)
    client.call("DELETE", f"{world.url}/_sim/faults")
    assert isinstance(world.fetch("acme/shop", 12), PullRequest)


def test_a_clone_that_takes_too_long_is_ended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "FETCH_TIMEOUT_SECONDS", 0.5)
    world.fault(path_regex="info/refs", delay_seconds=3)

    assert world.fetch("acme/shop", 12) == Refusal("try again", "acme/shop could not be fetched in 0.0 minutes")
    assert not gits_of(world)


def gits_of(world: World) -> list[Path]:
    """The processes that fetch into this world's mirrors."""
    own = f"GIT_DIR={world.data}".encode()

    def environment(process: Path) -> bytes:
        try:
            return (process / "environ").read_bytes()
        except OSError:
            return b""

    return [one for one in Path("/proc").glob("[0-9]*") if own in environment(one)]


# --- when the work is stopped -------------------------------------------------------------------------------


def test_a_stopped_task_posts_nothing(world: World, shop: PullRequest) -> None:
    brief = review_of(shop)
    at = assignment(brief)
    at.stop.set("given back")

    with pytest.raises(Stopped):
        world.table[type(brief)](brief, at)
    assert world.reviews(shop) == []


def test_a_review_that_is_on_its_way_is_seen_to_its_end(world: World, shop: PullRequest) -> None:
    brief = review_of(shop)
    at = assignment(brief)
    world.fault(path_regex="/reviews$", method="POST", status=502, when="after", delay_seconds=0.5)

    with ThreadPoolExecutor() as pool:
        posting = pool.submit(world.table[type(brief)], brief, at)
        time.sleep(0.25)
        at.stop.set("given back")
        receipt = posting.result()

    assert getattr(receipt, "proven", False)
    assert len(world.reviews(shop)) == 1
