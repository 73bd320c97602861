"""What Claude does, told from what it says; and when it counts as dead. The clock is the test's."""

from typing import Any

import claude_agent_sdk as sdk
import pytest

from agents.claude.life import MORE_SECONDS, START_SECONDS, TELL_SECONDS, Life

SILENCE = 100.0


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Watched:
    """A life with a clock, and the words of a session."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.life = Life(SILENCE, self.clock)

    def after(self, seconds: float) -> "Watched":
        self.clock.now += seconds
        return self

    def event(self, kind: str, **more: Any) -> None:
        self.life.heard(sdk.StreamEvent(uuid="u", session_id="s", event={"type": kind, **more}))

    def block(self, kind: str) -> None:
        self.event("content_block_start", content_block={"type": kind})

    def system(self, subtype: str, **data: Any) -> None:
        self.life.heard(sdk.SystemMessage(subtype=subtype, data=data))

    def tool(self, name: str, **asked: Any) -> None:
        self.life.heard(sdk.AssistantMessage(content=[sdk.ToolUseBlock(id=name, name=name, input=asked)], model="m"))

    def answered(self, name: str) -> None:
        self.life.heard(sdk.UserMessage(content=[sdk.ToolResultBlock(tool_use_id=name)]))

    def ends(self) -> None:
        self.life.heard(
            sdk.ResultMessage(
                subtype="success", duration_ms=1, duration_api_ms=1, is_error=False, num_turns=1, session_id="s"
            )
        )


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_its_states_are_told_apart(watched: Watched) -> None:
    seen = [watched.life.doing]
    watched.system("status", status="requesting")
    seen.append(watched.life.doing)
    watched.block("thinking")
    seen.append(watched.life.doing)
    watched.block("text")
    seen.append(watched.life.doing)
    watched.tool("Bash", command="true")
    seen.append(watched.life.doing)
    watched.answered("Bash")
    watched.system("status", status="requesting")
    seen.append(watched.life.doing)
    watched.system("api_retry", attempt=1)
    seen.append(watched.life.doing)
    watched.system("status", status="compacting")
    seen.append(watched.life.doing)
    watched.life.asks(True)
    seen.append(watched.life.doing)
    watched.life.asks(False)
    watched.ends()
    seen.append(watched.life.doing)
    assert seen == [
        *("starting", "waiting", "thinking", "writing", "tool", "waiting"),
        *("trying_again", "shortening", "asking", "finished"),
    ]


def test_a_stream_is_alive_however_long_it_takes(watched: Watched) -> None:
    for _ in range(100):
        watched.after(SILENCE - 1).event("content_block_delta")
        assert watched.life.left() == SILENCE


def test_without_a_sign_it_is_dead_after_the_limit(watched: Watched) -> None:
    watched.event("message_start")
    assert watched.after(SILENCE - 1).life.left() == 1
    assert watched.after(1).life.left() == 0
    ending = watched.life.end()
    assert (ending.name, ending.words) == ("silent", "Claude said nothing for 100 s and was ended")


def test_a_start_on_a_busy_machine_is_no_silence() -> None:
    clock = Clock()
    life = Life(1, clock)
    assert life.left() == START_SECONDS
    life.heard(sdk.SystemMessage(subtype="status", data={"status": "requesting"}))
    assert life.left() == 1


def test_a_tool_of_a_reader_takes_no_longer_than_silence_may(watched: Watched) -> None:
    watched.tool("Read", file_path="a")
    assert watched.after(SILENCE).life.left() == 0
    assert watched.life.end().name == "tool"
    assert "Read" in watched.life.end().words


@pytest.mark.parametrize(("asked", "most"), [({}, 150), ({"timeout": 600_000}, 630), ({"timeout": "soon"}, 150)])
def test_a_command_may_take_its_own_time(watched: Watched, asked: dict[str, Any], most: float) -> None:
    watched.tool("Bash", command="make", **asked)
    assert watched.life.left() == most
    watched.answered("Bash")
    assert watched.life.left() == SILENCE


def test_nobodys_silence_is_judged_while_a_person_is_asked(watched: Watched) -> None:
    watched.tool("AskUserQuestion")
    watched.life.asks(True)
    watched.event("message_stop")  # what was on its way
    assert watched.after(100_000).life.left() == float("inf")
    watched.life.asks(False)
    assert watched.life.left() == SILENCE


def test_after_a_result_more_comes_soon_or_never(watched: Watched) -> None:
    watched.tool("StructuredOutput")
    watched.ends()
    assert watched.life.left() == MORE_SECONDS
    assert watched.after(MORE_SECONDS).life.end().name == "no_report"
    watched.system("status", status="requesting")
    assert watched.life.left() == SILENCE


def test_a_state_is_told_when_it_lasts_and_not_again_while_it_is_the_same(watched: Watched) -> None:
    watched.block("text")
    assert watched.after(TELL_SECONDS - 1).life.news() == ""
    said = []
    for _ in range(150):
        watched.after(1).event("content_block_delta")
        said.append(watched.life.news())
    assert [words for words in said if words] == [
        *("Claude is writing", "Claude is writing (1 min)", "Claude is writing (2 min)")
    ]


def test_states_that_change_quickly_are_told_seldom(watched: Watched) -> None:
    said = []
    for second in range(60):
        watched.after(1).block("thinking" if second % 2 else "text")
        said.append(watched.life.news())
    assert 1 <= len([words for words in said if words]) <= 60 / TELL_SECONDS


def test_what_was_told_otherwise_counts_as_told(watched: Watched) -> None:
    watched.after(TELL_SECONDS).block("text")
    watched.life.told()
    assert watched.life.news() == ""


def test_a_long_silence_is_told_with_what_will_follow(watched: Watched) -> None:
    watched.system("status", status="requesting")
    assert watched.after(TELL_SECONDS).life.news() == "Claude waits for the model"
    assert "said nothing for a while" in watched.after(SILENCE / 2).life.news()


def test_a_tool_that_lasts_is_told_by_its_name(watched: Watched) -> None:
    watched.tool("Bash", command="make")
    assert watched.after(90).life.news() == "Bash is still running (1 min)"
