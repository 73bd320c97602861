"""The page of a pull request, as a Jinja template: plain HTML and CSS that a phone shows well."""

TEMPLATE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ pull.title }} #{{ pull.number }}</title>
<style>
:root { color-scheme: light dark; --text: #1f2328; --back: #fff; --soft: #59636e; --line: #d1d9e0;
  --card: #f6f8fa; --add: #dafbe1; --del: #ffebe9; --hunk: #ddf4ff; --link: #0969da; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --back: #0d1117; --soft: #9198a1;
  --line: #3d444d; --card: #151b23; --add: #12361f; --del: #4a1b1d; --hunk: #122d4a; --link: #58a6ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 0 12px 48px; max-width: 60rem; color: var(--text); background: var(--back);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
a { color: var(--link); text-decoration: none; }
.banner { margin: 0 -12px 16px; padding: 6px 12px; background: #9a6700; color: #fff; font-size: 13px;
  text-align: center; }
h1 { font-size: 22px; line-height: 1.25; margin: 0 0 8px; font-weight: 600; }
h1 span, .soft { color: var(--soft); font-weight: 400; }
h2 { font-size: 16px; margin: 28px 0 8px; }
.meta { font-size: 14px; margin: 0 0 16px; }
.pill { display: inline-block; padding: 1px 10px; border-radius: 1em; color: #fff; background: #1a7f37;
  font-weight: 600; }
.pill.closed { background: #cf222e; }
.card { border: 1px solid var(--line); border-radius: 8px; margin: 12px 0; overflow: hidden; }
.card > header { padding: 7px 12px; font-size: 14px; background: var(--card); border-bottom: 1px solid var(--line); }
.card > .text { padding: 2px 12px; }
.text > * { margin: 8px 0; }
.text h4 { font-size: 16px; }
.text ul { padding-left: 22px; }
.text pre { padding: 8px; overflow-x: auto; background: var(--card); border-radius: 6px; }
.text blockquote { padding-left: 10px; border-left: 3px solid var(--line); color: var(--soft); }
code, pre, .diff { font: 12px/1.6 ui-monospace, monospace; }
.text code { padding: 2px 4px; border-radius: 4px; background: var(--card); font-size: 85%; }
summary { cursor: pointer; }
.file > summary { padding: 8px 12px; font-size: 14px; background: var(--card); }
.file .add { color: #1a7f37; } .file .del { color: #cf222e; }
.diff { border-top: 1px solid var(--line); }
.diff .hunk { padding: 3px 8px; background: var(--hunk); color: var(--soft); white-space: pre-wrap; }
.row { display: flex; }
.row > b { flex: 0 0 38px; padding-right: 6px; text-align: right; font-weight: 400; color: var(--soft);
  user-select: none; }
.row > span { flex: 1; padding-left: 14px; text-indent: -10px; white-space: pre-wrap; }
.row.added { background: var(--add); } .row.removed { background: var(--del); }
.diff .card { margin: 6px 8px; font: 15px/1.5 system-ui, sans-serif; background: var(--back); }
:target { outline: 2px solid var(--link); }
</style>
{% macro note(comment) %}
<section class="card" id="discussion_r{{ comment.id }}">
<header><b>{{ comment.user }}</b> <span class="soft">on
{% if comment.start_line %}lines {{ comment.start_line }} to {% else %}line {% endif %}{{ comment.line }}</span>
</header>
<div class="text">{{ comment.body | markdown | safe }}</div>
</section>
{% endmacro %}
<p class="banner">not-github: a simulator. Nothing here is on GitHub.</p>
<h1>{{ pull.title }} <span>#{{ pull.number }}</span></h1>
<p class="meta"><span class="pill {{ pull.state }}">{{ pull.state | capitalize }}</span>
<b>{{ pull.user }}</b> wants to merge <code>{{ pull.head_ref }}</code> into <code>{{ pull.base_ref }}</code>
<span class="soft">of {{ repository.owner }}/{{ repository.name }}, at {{ pull.head_sha[:7] }}</span></p>
{% if pull.body %}<section class="card"><div class="text">{{ pull.body | markdown | safe }}</div></section>{% endif %}
{% for event in events %}
<section class="card" id="{{ event.anchor }}">
<header><b>{{ event.user }}</b>
<span class="soft">{{ event.did }} {{ event.at | replace("T", " ") | replace("Z", " UTC") }}</span></header>
<div class="text">{{ event.body | markdown | safe }}
{% if event.comments %}<ul class="places">
{% for comment in event.comments %}
<li><a href="#discussion_r{{ comment.id }}">{{ comment.path }}:{{ comment.line }}</a></li>
{% endfor %}
</ul>{% endif %}
</div>
</section>
{% else %}<p class="soft">No reviews and no comments yet.</p>{% endfor %}
<h2>{{ files | length }} changed {{ "file" if files | length == 1 else "files" }}</h2>
{% for file in files %}
<details class="card file"{{ " open" if file.path in commented }}>
<summary>{% if file.previous_path %}{{ file.previous_path }} → {% endif %}{{ file.path }}
<span class="add">+{{ file.additions }}</span> <span class="del">&minus;{{ file.deletions }}</span>
{% if file.status != "modified" %}<span class="soft">{{ file.status }}</span>{% endif %}</summary>
<div class="diff">
{% if file.patch %}{% for hunk in file.hunks %}
<div class="hunk">{{ hunk.header }}</div>
{% for line in hunk.lines %}
<div class="row {{ {"+": "added", "-": "removed"}[line.text[0]] }}"
><b>{{ line.right or line.left or "" }}</b><span>{{ line.text }}</span></div>
{% for comment in comments[file.path, line.position] %}{{ note(comment) }}{% endfor %}
{% endfor %}
{% endfor %}
{% else %}<div class="hunk">no lines to show</div>{% endif %}
</div>
</details>
{% endfor %}
{% if outdated %}<h2>Comments on earlier versions</h2>
{% for comment in outdated %}
<p class="meta"><code>{{ comment.path }}</code></p>
{{ note(comment) }}
{% endfor %}
{% endif %}
</html>
"""
