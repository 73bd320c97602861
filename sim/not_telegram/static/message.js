// How a message looks. Every text is put in as text, never as markup. What the person wants with it goes up as an
// event: `say` a text, `choose` a message to reply to or edit, `tap` a key.

const SAFE_LINK = /^(https?:|tg:|mailto:)/i;
const BLOCKS = new Set(["pre", "blockquote", "expandable_blockquote"]);
const TAGS = {
  bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", pre: "pre",
  blockquote: "blockquote", expandable_blockquote: "blockquote",
};

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function want(target, kind, detail) {
  target.dispatchEvent(new CustomEvent(kind, { detail, bubbles: true }));
}

function button(text, kind, detail) {
  return element("button", { type: "button", onclick: (event) => want(event.target, kind, detail) }, text);
}

// Text with entities: offsets are UTF-16 code units, as in JavaScript's strings

function formatted(text, entities) {
  const sorted = [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
  return pieces(text, sorted, 0, text.length);
}

function pieces(text, entities, start, end) {
  const nodes = [];
  let at = start;
  while (entities.length && entities[0].offset < end) {
    const entity = entities.shift();
    const stop = Math.min(entity.offset + entity.length, end);
    const from = Math.max(entity.offset, at);
    if (from >= stop) continue;
    nodes.push(text.slice(at, from), wrapped(entity, text.slice(from, stop), pieces(text, entities, from, stop)));
    at = stop;
    if (BLOCKS.has(entity.type) && text[at] === "\n") at += 1;
  }
  nodes.push(text.slice(at, end));
  return nodes;
}

function wrapped(entity, text, inside) {
  if (entity.type === "text_link" || entity.type === "url") return link(entity.url ?? text, inside);
  if (entity.type === "bot_command") return command(text);
  const made = element(TAGS[entity.type] ?? "span", {}, ...inside);
  if (entity.type === "spoiler") made.className = "spoiler";
  if (entity.language) made.dataset.language = entity.language;
  return made;
}

function link(url, inside) {
  if (!SAFE_LINK.test(url)) return element("span", {}, ...inside);
  return element("a", { href: url, target: "_blank", rel: "noopener noreferrer", title: url }, ...inside);
}

function command(text) {
  return Object.assign(button(text, "say", text), { className: "command" });
}

// A message

export function bubble(message) {
  const inside = element("div", { className: "bubble" });
  if (message.reply_to_message) inside.append(quote(message.reply_to_message));
  if (message.document) inside.append(documentLink(message.document));
  const text = message.text ?? message.caption;
  if (text) {
    const entities = message.entities ?? message.caption_entities ?? [];
    inside.append(element("div", { className: "text" }, ...formatted(text, entities)));
  }
  inside.append(meta(message));
  const whole = element("article", { className: `message ${message.who}` }, inside);
  if (message.reply_markup) whole.append(keyboard(message));
  inside.addEventListener("click", () => whole.classList.toggle("chosen"));
  return whole;
}

function meta(message) {
  const time = new Date(message.date * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const line = element("div", { className: "meta" });
  if (message.reactions.length) line.append(element("span", { className: "reactions" }, ...message.reactions));
  line.append(tools(message));
  if (message.edits) line.append(element("span", { title: `edits: ${message.edits}` }, "edited"));
  line.append(element("time", { title: `message ${message.message_id}` }, time));
  return line;
}

function tools(message) {
  const row = element("span", { className: "tools" });
  row.append(button("reply", "choose", { kind: "reply", message }));
  if (message.who === "person") row.append(button("edit", "choose", { kind: "edit", message }));
  return row;
}

function quote(message) {
  const text = message.text ?? message.caption ?? message.document?.file_name ?? "";
  return element("div", { className: "quote" }, element("b", {}, message.from.first_name), element("span", {}, text));
}

function documentLink(file) {
  const size = file.file_size < 1024 ? `${file.file_size} B` : `${(file.file_size / 1024).toFixed(1)} KB`;
  return element(
    "a",
    { className: "document", href: `/_sim/files/${encodeURIComponent(file.file_id)}` },
    element("span", { className: "icon", ariaHidden: "true" }, "↓"),
    element("span", {}, element("b", {}, file.file_name ?? "document"), element("small", {}, size)),
  );
}

function keyboard(message) {
  const rows = message.reply_markup.inline_keyboard.map((row) =>
    element("div", {}, ...row.map((one) => key(message, one))),
  );
  return element("div", { className: "keyboard" }, ...rows);
}

function key(message, { text, url, callback_data: data }) {
  return url ? link(url, [`${text} ↗`]) : button(text, "tap", { message, data });
}
