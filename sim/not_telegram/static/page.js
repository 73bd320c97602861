// The page to chat on. It knows what /_sim tells it.

import { bubble, element } from "./message.js";

const WAIT_SECONDS = 25;
const TYPING_SECONDS = 5; // as long as Telegram shows an action
const TOAST_SECONDS = 4;
const RETRY_SECONDS = 2;

const by = (id) => document.getElementById(id);
const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

let person = rememberedPerson();
let messages = new Map();
let context = null; // {kind: "reply" | "edit", message}
let polling = new AbortController();
let typing = 0;
let toasting = 0;
let pinned = true; // the end of the chat is in view, and stays there

// Small tools

async function call(method, path, body, signal) {
  const options = { method, signal };
  if (body instanceof FormData) options.body = body;
  else if (body) Object.assign(options, { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const reply = await fetch(`/_sim/${path}`, options);
  const answer = await reply.json();
  if (!reply.ok) throw new Error(answer.description);
  return answer;
}

async function act(path, body, file) {
  const said = { user_id: person.id, first_name: person.name, ...body };
  try {
    await call("POST", path, file ? form(said, file) : said);
    return true;
  } catch (error) {
    toast(error.message);
    return false;
  }
}

function form(message, file) {
  const made = new FormData();
  made.append("message", JSON.stringify(message));
  made.append("document", file);
  return made;
}

function toast(text) {
  clearTimeout(toasting);
  by("toast").textContent = text;
  by("toast").hidden = false;
  toasting = setTimeout(() => { by("toast").hidden = true; }, TOAST_SECONDS * 1000);
}

function status(text, busy = false) {
  by("status").textContent = text;
  by("status").classList.toggle("busy", busy);
}

// What happens in the chat

function happened(event) {
  if (event.kind === "action") return showAction(event);
  if (event.kind === "answered") return showAnswer(event);
  if (event.kind === "tapped") return;
  if (event.who === "bot") idle();
  show(event.message, event.kind === "deleted");
}

function show(message, gone) {
  const before = messages.get(message.message_id);
  if (gone) {
    messages.delete(message.message_id);
    before?.remove();
    return;
  }
  const now = bubble(message);
  messages.set(message.message_id, now);
  if (before) before.replaceWith(now);
  else by("chat").append(now);
}

function showAction(event) {
  if (Date.now() / 1000 - event.at > TYPING_SECONDS) return;
  clearTimeout(typing);
  status(event.action === "typing" ? "typing…" : `${event.action.replaceAll("_", " ")}…`, true);
  typing = setTimeout(idle, TYPING_SECONDS * 1000);
}

function idle() {
  clearTimeout(typing);
  status("bot");
}

function showAnswer(event) {
  const keys = messages.get(event.message_id)?.querySelectorAll(".waiting") ?? [];
  keys.forEach((one) => one.classList.remove("waiting"));
  if (!event.text || Date.now() / 1000 - event.at > TYPING_SECONDS) return;
  if (!event.show_alert) return toast(event.text);
  by("alert-text").textContent = event.text;
  if (!by("alert").open) by("alert").showModal();
}

function applied(events) {
  const chat = by("chat");
  chat.querySelector(".empty")?.remove();
  events.forEach(happened);
  if (!messages.size) chat.append(element("p", { className: "empty" }, "No messages here yet: say hello"));
  if (pinned) toEnd();
}

function toEnd() {
  by("chat").scrollTop = by("chat").scrollHeight;
}

async function watch() {
  polling.abort();
  polling = new AbortController();
  const { signal } = polling;
  messages = new Map();
  pinned = true;
  by("chat").replaceChildren();
  let since = 0;
  let wait = 0;
  while (!signal.aborted) {
    try {
      const events = await call("GET", `chats/${person.id}?since=${since}&wait=${wait}`, undefined, signal);
      applied(events);
      since = events.at(-1)?.event_id ?? since;
      if (!by("status").classList.contains("busy")) idle();
      await refreshBot(signal);
      wait = WAIT_SECONDS;
    } catch (error) {
      if (signal.aborted) return;
      status("connection lost, trying again…", true);
      await sleep(RETRY_SECONDS);
    }
  }
}

async function refreshBot(signal) {
  const bot = await call("GET", "bot", undefined, signal);
  by("bot-name").textContent = bot.first_name;
  by("avatar").textContent = bot.first_name.split(" ").map((word) => word[0]).join("").slice(0, 2);
  by("commands").replaceChildren(...bot.commands.map(chip));
}

function chip({ command: name, description }) {
  return element("button", { type: "button", title: description, onclick: () => write(`/${name} `) }, `/${name}`);
}

// What the person does

function write(text) {
  by("text").value = text;
  fit();
  by("text").focus();
}

function fit() {
  const box = by("text");
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight + 2}px`;
}

function choose({ kind, message }) {
  context = { kind, message };
  by("context-text").textContent = `${kind === "edit" ? "Edit" : "Reply to"}: ${message.text ?? message.caption ?? "…"}`;
  by("context").hidden = false;
  if (kind === "edit") write(message.text ?? message.caption ?? "");
  by("text").focus();
}

function forgetContext() {
  context = null;
  by("context").hidden = true;
}

function say(text) {
  toEnd();
  return act("messages", { text });
}

async function send() {
  const text = by("text").value;
  if (!text.trim()) return;
  if (await sent(text)) {
    forgetContext();
    write("");
  }
}

function sent(text) {
  if (!context) return say(text);
  const id = context.message.message_id;
  if (context.kind === "edit") return act("edits", { message_id: id, text });
  return act("messages", { text, reply_to_message_id: id });
}

async function share(file) {
  const reply = context?.kind === "reply" ? context.message.message_id : null;
  const about = { file_name: file.name, mime_type: file.type || null, reply_to_message_id: reply };
  toEnd();
  if (await act("documents", { ...about, caption: by("text").value }, file)) {
    forgetContext();
    write("");
  }
}

async function tap({ message, data }, key) {
  key.classList.add("waiting");
  const sent = await act("callbacks", { chat_id: message.chat.id, message_id: message.message_id, data });
  if (!sent) key.classList.remove("waiting");
}

// Who is chatting

function rememberedPerson() {
  const asked = new URLSearchParams(location.search);
  const id = Number(asked.get("user"));
  if (Number.isSafeInteger(id) && id > 0) return { id, name: asked.get("name") ?? "Ada" };
  return knownPeople()[0] ?? { id: 1001, name: "Ada" };
}

function knownPeople() {
  try {
    return JSON.parse(localStorage.getItem("people") ?? "[]");
  } catch {
    return [];
  }
}

function become(next) {
  person = next;
  const others = knownPeople().filter((one) => one.id !== next.id);
  localStorage.setItem("people", JSON.stringify([next, ...others].slice(0, 6)));
  by("identity").textContent = `${next.name} · ${next.id}`;
  forgetContext();
  watch();
}

function askWho() {
  by("user-id").value = person.id;
  by("first-name").value = person.name;
  by("known").replaceChildren(...knownPeople().map(knownPerson));
  by("people").showModal();
}

function knownPerson(one) {
  const pick = () => {
    by("people").close();
    become(one);
  };
  return element("button", { type: "button", onclick: pick }, `${one.name} · ${one.id}`);
}

by("identity").onclick = askWho;
by("people-form").onsubmit = () => become({ id: by("user-id").valueAsNumber, name: by("first-name").value });
by("context-cancel").onclick = forgetContext;
by("chat").addEventListener("say", (event) => say(event.detail));
by("chat").addEventListener("choose", (event) => choose(event.detail));
by("chat").addEventListener("tap", (event) => tap(event.detail, event.target));
by("chat").onscroll = () => {
  const chat = by("chat");
  pinned = chat.scrollHeight - chat.scrollTop - chat.clientHeight < 120;
};
new ResizeObserver(() => pinned && toEnd()).observe(by("chat"));
by("text").oninput = fit;
by("text").onkeydown = (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    send();
  }
};
by("attach").onclick = () => by("file").click();
by("file").onchange = async () => {
  for (const file of [...by("file").files]) await share(file);
  by("file").value = ""; // so that the same one can be chosen again
};
by("composer").onsubmit = (event) => {
  event.preventDefault();
  send();
};
become(person);
