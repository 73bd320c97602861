"""Checks of what is not text: a picture from the user, a picture that a tool shows, a PDF."""

from proxy.check.finding import Finding, no, partly, quoted, yes
from proxy.check.message import Message
from proxy.check.messages_api import MessagesApi
from proxy.check.prompts import assistant, document, picture, result, text, tool, user

COLOUR = "red"
WORD = "juniper"
ASK_COLOUR = "Which colour is the picture? Answer with one word."
READ = tool("read_file", "Reads a file and shows it.", path={"type": "string", "description": "Path of the file"})
CALL = {"type": "tool_use", "id": "toolu_check_1", "name": "read_file", "input": {"path": "picture.png"}}


def image(api: MessagesApi) -> Finding:
    """A picture in the user's message."""
    return _seen(api.message(messages=[user([picture(), text(ASK_COLOUR)])]))


def image_from_tool(api: MessagesApi) -> Finding:
    """A picture as the result of a tool, as Claude Code's Read gives it."""
    turns = [
        user(f"Read picture.png. {ASK_COLOUR}"),
        assistant([CALL]),
        user([result(CALL, [picture()])]),
    ]
    return _seen(api.message(tools=[READ], messages=turns))


def _seen(message: Message) -> Finding:
    if message.says(COLOUR):
        return yes()
    return no(f"it was taken, but a red square was not seen; it answered {quoted(message.text)}")


def pdf(api: MessagesApi) -> Finding:
    """A PDF of one page."""
    asked = [document(f"The tree in the garden is a {WORD}."), text("Which tree does the page name? One word.")]
    message = api.message(messages=[user(asked)])
    if message.says(WORD):
        return yes()
    return partly("PDF files are taken, and not read", f"it answered {quoted(message.text)}")
