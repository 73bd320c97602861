// What goes on now: calls under way, the latest calls, and where calls go.

import { at, h, nothing, put, table } from "./dom.js";
import { ago, count, duration, money, short } from "./format.js";

const WORSE = { error: "bad", lost: "bad", aborted: "warn", ok: "good" };

/** Draws a `live` event. `errors` are the providers' last ones, from the last report. */
export function drawLive(live, errors) {
  put("holds-count", live.under_way ? `${live.under_way} · up to ${money(live.held)}` : "");
  put("holds", live.holds.length ? table("Calls under way", HOLD_COLUMNS, live.holds.map(hold)) : nothing("Nothing now."));
  put("latest", live.latest.length ? callTable("Latest calls", live.latest) : nothing("No call has ended yet."));
  drawRoutes(live, errors);
  drawRefusal(live);
  const unused = live.latest.length === 0 && live.holds.length === 0;
  at("first-steps").hidden = !unused;
  document.body.classList.toggle("unused", unused);
}

/** Writes the ages of everything anew; `now` is the server's time in seconds. */
export function tick(now) {
  for (const element of document.querySelectorAll("[data-since]")) element.textContent = duration(Math.max(now - element.dataset.since, 0));
  for (const element of document.querySelectorAll("[data-at]")) element.textContent = ago(Math.max(now - element.dataset.at, 0));
  for (const element of document.querySelectorAll("[data-until]")) {
    const left = element.dataset.until - now;
    element.textContent = left > 0 ? `tried again in ${duration(left)}` : "the next call tries it";
  }
}

/** When something was; `tick` writes it. */
export function when(time) {
  return h("time", { "data-at": time, datetime: new Date(time * 1000).toISOString() });
}

/** Whose call it is, in a line: role, person or key, run. */
function whose(call) {
  return [call.role, call.person, call.client && `key ${call.client}`, call.run && `run ${short(call.run)}`].filter(Boolean).join(" · ");
}

/** The cell that names a call: model, provider, whose it is, and what went wrong. */
function named(call, dot, ...trouble) {
  const asked = call.asked && call.asked !== call.model ? `asked ${call.asked}` : "";
  return [
    h("span", { class: "name", title: call.model }, dot, call.model || "as asked", h("span", { class: "faint" }, ` ${call.provider}`)),
    h("span", { class: "sub" }, trouble, [whose(call), asked].filter(Boolean).join(" · ")),
  ];
}

const HOLD_COLUMNS = [["Model", "main"], ["Tier", "wide"], ["Holds", "number wide"], ["For", "number"]];

function hold(call) {
  return [named(call, h("i", { class: "dot running" })), call.route, money(call.held), h("span", { "data-since": call.at })];
}

const CALL_COLUMNS = [["Model", "main"], ["In", "number wide"], ["Out", "number wide"], ["Cost", "number"], ["Time", "number wide"], ["Ended", "number"]];

/** A table of calls that ended. */
export function callTable(label, calls) {
  return table(label, CALL_COLUMNS, calls.map(ended));
}

function ended(call) {
  const input = call.input_tokens + call.cache_read_tokens + call.cache_write_tokens + call.cache_write_1h_tokens;
  const kind = WORSE[call.outcome] ?? "bad";
  const dot = h("i", { class: `dot ${kind}` }, h("span", { class: "unseen" }, `${call.outcome} `));
  const trouble = [
    call.outcome === "ok" ? null : h("span", { class: kind }, `${reason(call)} · `),
    call.tried ? h("span", { class: "warn" }, `after ${call.tried} · `) : null,
  ].filter(Boolean);
  return [
    named(call, dot, ...trouble),
    count(input),
    count(call.output_tokens),
    [money(call.micro_dollars), h("span", { class: "sub narrow" }, duration(call.seconds))],
    [duration(call.seconds), h("span", { class: "sub" }, call.first_seconds === null ? "no answer" : `first ${duration(call.first_seconds)}`)],
    when(call.at + call.seconds),
  ];
}

/** Why a call did not end well, in a word or two. */
export function reason(call) {
  if (call.outcome === "aborted") return "caller left";
  if (call.outcome === "lost") return "worker died";
  return [call.status, plain(call.reason)].filter(Boolean).join(" ");
}

/** The type of an error without what only programs need: `rate_limit_error` is `rate limit`. */
function plain(type) {
  return type.replace(/_error$/, "").replaceAll("_", " ");
}

function drawRoutes(live, errors) {
  put("source", live.source, live.loaded ? [" · read ", when(live.loaded)] : []);
  put("routes", live.routes.map((route) => h(
    "div", { class: "route" }, h("h3", {}, route.name),
    h("ol", {}, route.targets.map((target) => targetLine(target, live.breakers[target.provider], errors[target.provider]))),
  )));
}

function targetLine(target, breaker, error) {
  const state = breaker?.state ?? "closed";
  const dot = h("i", { class: `dot ${{ closed: "good", open: "bad" }[state] ?? "warn"}` }, h("span", { class: "unseen" }, `breaker ${state} `));
  const marks = target.downgrade ? h("span", { class: "tag plain" }, "downgrade") : null;
  const trouble = breaker
    ? h("span", { class: "sub bad" }, `${state}: ${breaker.reason} · `, h("span", { "data-until": breaker.until }))
    : error && h("span", { class: "sub" }, `last error ${plain(error.error)} · `, when(error.at));
  return h("li", {}, dot, h("span", { class: "target" }, h("span", { class: "name" }, target.provider, h("span", { class: "faint" }, ` ${target.model || "as asked"}`)), marks, trouble || null));
}

function drawRefusal(live) {
  at("refused").hidden = !live.refused;
  if (live.refused) put("refused", h("b", {}, `${live.source || "The set-up"} was refused `), when(live.refused_at), ". The one from before stays in force.", h("code", {}, live.refused));
}
