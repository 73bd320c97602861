"""What is kept of sessions: by age, whole or not at all, and nothing of what else a slot's user has put there."""

import json
import os
import threading
import time
from pathlib import Path

import pytest

from agents.claude.reading import answers, last_error_type
from agents.claude.transcripts import DONE_SECONDS, Transcript, Transcripts
from stack.ids import uuid7

DAY = 86_400.0


@pytest.fixture
def transcripts(tmp_path: Path) -> Transcripts:
    (tmp_path / "transcripts").mkdir()
    return Transcripts(tmp_path / "transcripts", keep_days=7)


@pytest.fixture
def kept(transcripts: Transcripts) -> Transcript:
    return transcripts.of(uuid7())


def say(home: Path, session: str, text: str) -> Path:
    """Writes a transcript where Claude Code does."""
    path = home / f".claude/projects/-data-work/{session}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_transcript_is_put_back_where_it_was(kept: Transcript, tmp_path: Path) -> None:
    session = kept.begin("x")
    was = say(tmp_path / "one", session, "said\n")
    kept.collect(tmp_path / "one", None)
    assert kept.to_resume("x") == session
    assert kept.to_resume("y") is None
    (tmp_path / "two").mkdir()
    kept.restore(tmp_path / "two")
    assert (tmp_path / "two" / was.relative_to(tmp_path / "one")).read_text() == "said\n"


def test_there_is_nothing_to_resume_before_a_session_has_begun_or_after_another_did(
    kept: Transcript, tmp_path: Path
) -> None:
    assert kept.to_resume("x") is None
    kept.collect(tmp_path, None)
    session = kept.begin("x")
    assert kept.to_resume("x") is None
    say(tmp_path, session, "said\n")
    kept.collect(tmp_path, None)
    kept.begin("x")
    assert kept.to_resume("x") is None


def test_the_mark_of_a_task_stays_and_no_other_has_it(transcripts: Transcripts, kept: Transcript) -> None:
    assert kept.mark() == kept.mark()
    assert len(kept.mark()) == 16
    assert transcripts.of(uuid7()).mark() != kept.mark()


def test_of_what_lies_in_a_home_the_sessions_own_transcript_alone_is_taken(kept: Transcript, tmp_path: Path) -> None:
    session = kept.begin("x")
    place = say(tmp_path, session, "x").parent
    os.rename(place, place.parent / "with\nline")
    kept.collect(tmp_path, None)
    assert kept.to_resume("x") is None


def test_a_pipe_in_the_place_of_a_transcript_keeps_nobody_waiting(kept: Transcript, tmp_path: Path) -> None:
    place = say(tmp_path, kept.begin("x"), "x")
    place.unlink()
    os.mkfifo(place)
    collecting = threading.Thread(target=kept.collect, args=(tmp_path, None), daemon=True)
    collecting.start()
    collecting.join(10)
    assert not collecting.is_alive()
    assert kept.to_resume("x") is None


def test_a_session_that_wrote_nothing_leaves_the_last_transcript(kept: Transcript, tmp_path: Path) -> None:
    session = kept.begin("x")
    say(tmp_path / "one", session, "said\n")
    kept.collect(tmp_path / "one", None)
    (tmp_path / "two").mkdir()
    kept.collect(tmp_path / "two", None)
    assert kept.path.read_text() == "said\n"


@pytest.mark.parametrize(
    ("done", "age", "stays"),
    [(False, 6 * DAY, True), (False, 8 * DAY, False), (True, DONE_SECONDS / 2, True), (True, DONE_SECONDS * 2, False)],
)
def test_what_failed_is_kept_for_days_and_what_is_done_for_an_hour(
    transcripts: Transcripts, tmp_path: Path, done: bool, age: float, stays: bool
) -> None:
    task_id = uuid7()
    kept = transcripts.of(task_id)
    kept.begin("x")
    if done:
        kept.done()
    folder = tmp_path / "transcripts" / str(task_id)
    for path in (*folder.iterdir(), folder):
        os.utime(path, (time.time() - age,) * 2)
    transcripts.prune()
    assert folder.exists() is stays


def test_what_a_task_takes_away_meanwhile_keeps_nothing_else_from_going(
    transcripts: Transcripts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, old = (tmp_path / "transcripts" / str(uuid7()) for _ in range(2))
    for folder in (gone, old):
        Transcript(folder).begin("x")
        for path in (*folder.iterdir(), folder):
            os.utime(path, (time.time() - 8 * DAY,) * 2)
    too_old = Transcript.too_old

    def looks(of: Transcript, keep_seconds: float) -> bool:
        if of.path.parent == gone:
            raise FileNotFoundError(of.path)
        return too_old(of, keep_seconds)

    monkeypatch.setattr(Transcript, "too_old", looks)
    transcripts.prune()
    assert (gone.exists(), old.exists()) == (True, False)


def test_an_owner_who_keeps_nothing_takes_nothing_from_a_task_at_work(tmp_path: Path) -> None:
    transcripts = Transcripts(tmp_path, keep_days=0)
    kept = transcripts.of(uuid7())
    mark = kept.mark()
    transcripts.prune()
    assert kept.mark() == mark


# --- what stands in them -----------------------------------------------------------------------------------


def use(identity: str, tool: str = "Read", *, said_in: str = "", **more: object) -> dict[str, object]:
    block = {"type": "tool_use", "id": identity, "name": tool, "input": {"file_path": identity}}
    message = {"id": said_in or f"message of {identity}", "content": [{"type": "text", "text": "t"}, block]}
    return {"type": "assistant", "message": message, **more}


def answer(identity: str, shown: object, *, failed: bool = False, **more: object) -> dict[str, object]:
    block = {"type": "tool_result", "tool_use_id": identity, "content": "c", **({"is_error": True} if failed else {})}
    return {"type": "user", "message": {"content": [block]}, "toolUseResult": shown, **more}


def written(path: Path, *lines: object, end: bytes = b"\n") -> Path:
    path.write_bytes(b"\n".join(json.dumps(line).encode() for line in lines) + end)
    return path


def test_what_tools_have_shown_is_read_from_a_transcript(tmp_path: Path) -> None:
    path = written(
        tmp_path / "t",
        use("a"), answer("a", {"type": "text"}),
        use("b"), answer("b", "Error: no such file", failed=True),
        use("c", isSidechain=True), answer("c", {"type": "text"}, isSidechain=True),
        use("d", "Grep"), answer("d", {"mode": "count"}),
        {"type": "user", "message": {"content": "Go on."}}, {"type": "mode"}, ["no object"],
        use("lost"),
        end=b'\n{"type":"user","message":{"content":[{"type":"tool_re',
    )  # fmt: skip
    found = [(answered.tool, answered.asked["file_path"]) for answered in answers(path)]
    assert found == [("Read", "a"), ("Grep", "d")]


def test_an_answer_was_seen_where_the_model_goes_on_after_it(tmp_path: Path) -> None:
    path = written(
        tmp_path / "t",
        use("a", said_in="m1"), answer("a", {}), use("b", said_in="m1"), answer("b", {}),
        use("c", said_in="m2"), answer("c", {}), use("d", said_in="m2"), answer("d", {}),
        {"type": "user", "message": {"content": "Go on."}},
        {"type": "assistant", "message": {"id": "m3", "model": "<synthetic>", "content": []}},
    )  # fmt: skip
    seen = [(answered.asked["file_path"], answered.seen) for answered in answers(path)]
    assert seen == [("a", True), ("b", True), ("c", False), ("d", False)]


def test_a_transcript_that_is_none_shows_nothing(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(b"\xff\x00\n[]\n{}\n\n")
    assert list(answers(tmp_path / "t")) == []
    assert list(answers(tmp_path / "missing")) == []


def test_the_type_of_the_last_error_is_read_from_a_transcript(tmp_path: Path) -> None:
    errors = [{"isApiErrorMessage": True, "apiErrorType": kind} for kind in ("overloaded_error", "billing_error")]
    assert last_error_type(written(tmp_path / "t", use("a"), *errors)) == "billing_error"
    assert last_error_type(written(tmp_path / "t", use("a"))) == ""
