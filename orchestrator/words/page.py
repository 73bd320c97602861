"""A draft as a document that reads well on a phone: the review's text, then each comment with its place."""

import re
from html import escape

from markdown_it import MarkdownIt

from stack.work.remarks import Remark
from stack.work.review import Draft

# No HTML of a text passes; <details> and <sub>, which our own texts have, are shown as what they hold.
_MARKDOWN = MarkdownIt("commonmark", {"html": False})
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 44rem; padding: 1rem; overflow-wrap: anywhere }
body { color: #1f2328; background: #fff }
h1 { font-size: 1.25rem } h2 { font-size: 1.1rem } h3 { font-size: 1rem }
pre { background: #f6f8fa; padding: .6rem; overflow-x: auto; border-radius: 6px; font-size: 13px }
code { background: #f6f8fa; font-size: 85% }
article { border: 1px solid #d1d9e0; border-radius: 8px; padding: .2rem .8rem; margin: 1rem 0 }
header { font: 13px ui-monospace, monospace; color: #59636e; padding-top: .5rem }
footer { color: #59636e; font-size: 13px; border-top: 1px solid #d1d9e0; margin-top: 2rem; padding-top: .5rem }
blockquote { border-left: 3px solid #d1d9e0; margin: 0; padding: 0 1rem; color: #59636e }
@media (prefers-color-scheme: dark) { body { color: #e6edf3; background: #0d1117 } pre, code { background: #151b23 } }
"""
_ONE_PRESS = re.compile(r"^(`{3,})suggestion$", re.MULTILINE)
_OWN_TAGS = re.compile(r"^<details><summary>|</summary>$|^</details>$|^<sub>|</sub>$")
_FENCE = re.compile(r"`{3,}")


def page(title: str, draft: Draft) -> str:
    """The whole document: without scripts, and without anything that is loaded."""
    comments = "".join(map(_comment, draft.remarks))
    on_lines = f"<h2>{len(draft.remarks)} on lines of the diff</h2>{comments}" if draft.remarks else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(title)}</h1>{_html(_without_own_tags(draft.body))}{on_lines}"
        f"<footer>Draft {draft.digest[:12]} · commit {draft.head_sha[:12]} · as it will be posted</footer>"
        "</body></html>\n"
    )


def _comment(remark: Remark) -> str:
    lines = f"{remark.start_line} to {remark.line}" if remark.start_line else str(remark.line)
    side = " (old file)" if remark.side == "LEFT" else ""
    return f"<article><header>{escape(remark.path)}:{lines}{side}</header>{_html(remark.body)}</article>"


def _html(markdown: str) -> str:
    return str(_MARKDOWN.render(_ONE_PRESS.sub(r"*To be taken over with one press:*\n\n\1", markdown)))


def _without_own_tags(body: str) -> str:
    """A review's text as it reads unfolded. What stands in code is nobody's tag."""
    lines, fence = [], ""
    for line in body.split("\n"):
        ticks = _FENCE.match(line)
        if ticks and not fence:
            fence = ticks[0]
        elif ticks and line.strip() == fence:
            fence = ""
        lines.append(line if fence else _OWN_TAGS.sub("", line))
    return "\n".join(lines)
