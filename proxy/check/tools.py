"""Checks of tools: a call and its result, several at once, forced and forbidden, and the provider's own web search."""

from proxy.check.finding import Finding, no, partly, quoted, yes
from proxy.check.message import Message
from proxy.check.messages_api import MessagesApi
from proxy.check.outcomes import Refused, Unusable
from proxy.check.prompts import Body, assistant, result, text, tool, user

CITIES = {"Paris": "17", "Tokyo": "26", "Lima": "31"}
FLOWER = "heliotrope"

LOOK_UP = tool(
    "look_up",
    "Looks up an entry of the register. The register is only known through this tool.",
    entry={"type": "string", "description": "Name of the entry"},
    pages={"type": "array", "items": {"type": "integer"}, "description": "Pages to look at"},
    detail={"type": "string", "enum": ["short", "full"], "description": "How much to tell"},
)
TEMPERATURE = tool(
    "temperature", "Tells the temperature of a city now.", city={"type": "string", "description": "Name of the city"}
)
CANNOT = {
    "any": "a call cannot be forced",
    "tool": "a call of a certain tool cannot be forced",
    "none": "calls cannot be forbidden",
}
WEB_SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 1}
ASK_REGISTER = user(
    "Call look_up for the entry 'garden', pages 2 and 3, detail full. Then tell me which flower it names, in one word."
)


def round_trip(api: MessagesApi) -> Finding:
    """A call with arguments of several types, and an answer that uses its result."""
    message = api.message(tools=[LOOK_UP], messages=[ASK_REGISTER])
    forced = not message.calls
    if forced:
        message = api.message(tools=[LOOK_UP], messages=[ASK_REGISTER], tool_choice={"type": "any"})
    if not message.calls:
        return no(f"it answers in words instead: {quoted(message.text)}")
    if wrong := _wrong_arguments(message):
        return partly("Claude Code refuses calls with wrong arguments, and the model has to try again", wrong)
    answer = api.message(tools=[LOOK_UP], messages=[ASK_REGISTER, *told(message, FLOWER)])
    if not answer.says(FLOWER):
        return no(
            f"the result of the call was not heeded; it answered {quoted(answer.text)}",
            "the model does not see what tools find",
        )
    if forced:
        return partly("the model calls a tool only when it is forced to; Claude Code leaves that to the model")
    if message.stop_reason != "tool_use":
        return partly("Claude Code may stop before it runs the tool", f"stop_reason was {message.stop_reason}")
    return yes()


def told(message: Message, flower: str) -> list[Body]:
    """The message, and what its calls gave: the next turns of a conversation about the register."""
    found = [result(call, [text(f"The register's entry names the {flower}.")]) for call in message.calls]
    return [assistant(message.content), user(found)]


def _wrong_arguments(message: Message) -> str:
    given = message.calls[0]["input"]
    expected = {"entry": "garden", "pages": [2, 3], "detail": "full"}
    return "" if given == expected else f"the arguments were {given}"


def parallel(api: MessagesApi) -> Finding:
    """Three calls in one answer, and their three results in one message."""
    asked = user(
        f"How warm is it now in {', '.join(CITIES)}? Call temperature once for each city, all the calls at once in "
        "this one answer; afterwards repeat the three temperatures."
    )
    message = api.message(tools=[TEMPERATURE], messages=[asked])
    calls = message.calls
    if len(calls) < 2:
        return no(f"calls at once: {len(calls)}, where three were asked for")
    if len({call["id"] for call in calls}) < len(calls):
        return no("the calls have the same id", "calls made together get each other's results")
    results = [result(call, f"{CITIES.get(call['input'].get('city', ''), '5')} °C") for call in calls]
    answer = api.message(tools=[TEMPERATURE], messages=[asked, assistant(message.content), user(results)])
    missing = [degrees for city, degrees in CITIES.items() if _asked_for(calls, city) and degrees not in answer.text]
    if missing:
        return partly("the model loses some of what tools called together find", f"it answered {quoted(answer.text)}")
    return yes(f"{len(calls)} calls at once")


def _asked_for(calls: list[Body], city: str) -> bool:
    return any(call["input"].get("city") == city for call in calls)


def choice(api: MessagesApi) -> Finding:
    """A tool forced, a certain tool forced, tools forbidden."""
    forms: dict[str, Body] = {
        "any": {"type": "any"},
        "tool": {"type": "tool", "name": "temperature"},
        "none": {"type": "none"},
    }
    wrong = {name: words for name, form in forms.items() if (words := _disobeyed(api, form))}
    if not wrong:
        return yes()
    seen = "; ".join(f"{name}: {words}" for name, words in wrong.items())
    return no(seen) if len(wrong) == len(forms) else partly("; ".join(CANNOT[name] for name in wrong), seen)


def _disobeyed(api: MessagesApi, form: Body) -> str:
    """What was wrong with the answer to one form; empty if nothing was."""
    asked = user("Say hello." if form["type"] != "none" else "How warm is it in Lima? If you cannot find out, say so.")
    try:
        message = api.message(tools=[LOOK_UP, TEMPERATURE], tool_choice=form, messages=[asked])
    except (Refused, Unusable) as error:
        return str(error)
    names = {call["name"] for call in message.calls}
    match form["type"]:
        case "any":
            return "" if names else "it called no tool"
        case "tool":
            return "" if names == {"temperature"} else f"it called {', '.join(sorted(names)) or 'no tool'}"
    return "it called a tool all the same" if names else ""


def web_search(api: MessagesApi) -> Finding:
    """A search that the provider's own servers make."""
    asked = user("Search the web for the weather in Lima today, then tell it in five words.")
    message = api.message(tools=[WEB_SEARCH], messages=[asked])
    if message.blocks("web_search_tool_result"):
        return yes()
    return no("the request was taken, but nothing was searched for")
