// Calls in a table: those under way, and those that ended.

import { h, table } from "./dom.js";
import { count, duration, money, short } from "./format.js";

const KINDS = { ok: "good", aborted: "warn", error: "bad", lost: "bad" };
const UNDER_WAY = [["Model", "main"], ["Tier", "wide"], ["Holds", "number wide"], ["For", "number"]];
const ENDED = [
  ["Model", "main"], ["In", "number wide"], ["Out", "number wide"], ["Cost", "number"], ["Time", "number wide"],
  ["Ended", "number"],
];

/** Calls under way, with how long they have been. */
export function underWay(holds) {
  return table("Calls under way", UNDER_WAY, holds.map((call) => [
    named(call, h("i", { class: "dot running" })),
    call.route,
    money(call.held),
    h("span", { "data-since": call.at }),
  ]));
}

/** Calls that ended, whether well or not. */
export function ended(label, calls) {
  return table(label, ENDED, calls.map(row));
}

/** When something was; `tick` in ages.js writes it. */
export function when(time) {
  return h("time", { "data-at": time, datetime: new Date(time * 1000).toISOString() });
}

/** Why a call did not end well, in a word or two. */
export function reason(call) {
  if (call.outcome === "aborted") return "caller left";
  if (call.outcome === "lost") return "worker died";
  return [call.status, plain(call.reason)].filter(Boolean).join(" ");
}

/** The type of an error without what only programs need: `rate_limit_error` is `rate limit`. */
export function plain(type) {
  return type.replace(/_error$/, "").replaceAll("_", " ");
}

function row(call) {
  const input = call.input_tokens + call.cache_read_tokens + call.cache_write_tokens + call.cache_write_1h_tokens;
  const kind = KINDS[call.outcome] ?? "bad";
  const dot = h("i", { class: `dot ${kind}` }, h("span", { class: "unseen" }, `${call.outcome} `));
  const first = call.first_seconds === null ? "no answer" : `first ${duration(call.first_seconds)}`;
  return [
    named(call, dot, trouble(call, kind)),
    count(input),
    count(call.output_tokens),
    [money(call.micro_dollars), h("span", { class: "sub narrow" }, duration(call.seconds))],
    [duration(call.seconds), h("span", { class: "sub" }, first)],
    when(call.at + call.seconds),
  ];
}

function trouble(call, kind) {
  const found = [];
  if (call.outcome !== "ok") found.push(h("span", { class: kind }, `${reason(call)} · `));
  if (call.tried) found.push(h("span", { class: "warn" }, `after ${call.tried} · `));
  return found;
}

/** The cell that names a call: its model and provider; below, what went wrong, whose it is, what was asked for. */
function named(call, dot, wrong = []) {
  const provider = h("span", { class: "faint" }, ` ${call.provider}`);
  return [
    h("span", { class: "name", title: call.model }, dot, call.model || "as asked", provider),
    h("span", { class: "sub" }, wrong, whose(call).join(" · ")),
  ];
}

function whose(call) {
  return [
    call.role,
    call.person,
    call.client && `key ${call.client}`,
    call.run && `run ${short(call.run)}`,
    call.asked && call.asked !== call.model && `asked ${call.asked}`,
  ].filter(Boolean);
}
