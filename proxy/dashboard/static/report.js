// The figures of a period: sums, charts, spending by name, limits, errors, fallbacks, the slowest calls.

import { chart } from "./chart.js";
import { at, h, nothing, put, table } from "./dom.js";
import { count, duration, money, percent, short } from "./format.js";
import { callTable, reason, when } from "./live.js";

const KINDS = { input_tokens: "input", output_tokens: "output", cache_read_tokens: "cache read", cache_write_tokens: "cache write", cache_write_1h_tokens: "cache write, 1 h" };
const GROUPS = [["provider", "provider"], ["model", "model"], ["role", "role"], ["route", "tier"], ["run", "run"], ["person", "person"], ["client", "client key"]];

/** Draws a `report` event. `underWay` is the number of calls under way and what they hold. */
export function drawReport(report) {
  drawTiles(report.totals);
  drawCharts(report.series);
  put("limits", report.limits.length ? report.limits.map(limit) : nothing("No limits are set."));
  put("failures", report.failures.length ? table("Errors by type", FAILURES, report.failures.map(failure)) : nothing("None in this period."));
  put("fallbacks", report.fallbacks.length ? table("Fallbacks", FALLBACKS, report.fallbacks.map(fallback)) : nothing("None in this period."));
  put("slowest", report.slowest.length ? callTable("Slowest calls", report.slowest) : nothing("No calls in this period."));
  put("spending", GROUPS.map(([name, said]) => group(said, report.by[name])));
  at("window").hidden = report.whole;
}

/** Draws the charts alone, for another width. */
export function drawCharts(series) {
  chart("money", { series, label: "Money over time", said: money, values: (bucket) => bucket.spent, names: series.providers.map((name) => name ?? "others") });
  chart("tokens", { series, label: "Tokens over time", said: count, values: (bucket) => bucket.tokens, names: series.kinds.map((kind) => KINDS[kind]) });
}

function tokensOf(sums) {
  return Object.keys(KINDS).reduce((all, kind) => all + (sums[kind] ?? 0), 0);
}

function drawTiles(sums) {
  const read = sums.input_tokens + sums.cache_read_tokens + sums.cache_write_tokens + sums.cache_write_1h_tokens;
  put(
    "tiles",
    tile("Spent", money(sums.micro_dollars), sums.calls ? `${money(sums.micro_dollars / sums.calls)} a call` : "no calls yet"),
    tile("Calls", count(sums.calls), sums.errors ? `${count(sums.errors)} failed, ${percent(sums.errors, sums.calls)}` : "none failed", sums.errors > 0.05 * sums.calls ? "bad" : ""),
    tile("Tokens", count(tokensOf(sums)), `${percent(sums.cache_read_tokens, read)} of input from cache`),
    tile("Median call", about(sums.median_seconds, sums.calls), `95 % within ${about(sums.p95_seconds, sums.calls)}`),
    tile("First token", sums.first_seconds === null ? "–" : duration(sums.first_seconds), "on average"),
    tile("Fallbacks", count(sums.fallbacks), sums.calls ? `${percent(sums.fallbacks, sums.calls)} of calls` : "", sums.fallbacks > 0.2 * sums.calls ? "warn" : ""),
  );
}

function about(seconds, calls) {
  if (!calls) return "–";
  return seconds === null ? "over 5 m" : duration(seconds);
}

function tile(name, value, more, kind = "") {
  return h("div", { class: `tile ${kind}` }, h("dt", {}, name), h("dd", {}, h("b", {}, value), h("span", {}, more)));
}

function group(said, rows) {
  if (!rows.length) return null;
  const most = Math.max(...rows.map((row) => row.micro_dollars));
  const columns = [[`By ${said}`, "main"], ["Calls", "number"], ["Tokens", "number"], ["Cost", "number"]];
  const label = `Spending by ${said}`;
  return h("section", { class: "panel", "aria-label": label }, table(label, columns, rows.map((row) => [
    [
      h("span", { class: "name", title: row.name ?? "" }, row.name === null ? `${row.names} others` : short(row.name)),
      share(row.micro_dollars, most),
      said === "provider" ? speed(row) : null,
    ],
    [count(row.calls), row.errors ? h("span", { class: "sub bad" }, `${count(row.errors)} failed`) : null],
    count(row.tokens ?? tokensOf(row)),
    money(row.micro_dollars),
  ])));
}

function speed(row) {
  if (row.first_seconds === null) return null;
  return h("span", { class: "sub" }, `first token ${duration(row.first_seconds)} · median ${about(row.median_seconds, row.calls)}`);
}

function share(part, most) {
  const bar = h("i", { class: "share", "aria-hidden": "true" });
  bar.style.width = `${most ? (100 * part) / most : 0}%`;
  return bar;
}

function limit(row) {
  const used = row.spent / row.limit;
  const meter = h("div", { class: `meter ${used >= 1 ? "bad" : used >= 0.8 ? "warn" : ""}`, role: "meter", "aria-label": row.said, "aria-valuemin": 0, "aria-valuemax": row.limit / 1e6, "aria-valuenow": row.spent / 1e6, "aria-valuetext": `${money(row.spent)} of ${money(row.limit)}` }, h("i"), h("i"));
  const [spent, held] = meter.children;
  spent.style.width = `${Math.min(used, 1) * 100}%`;
  held.style.width = `${Math.min(row.held / row.limit, Math.max(1 - used, 0)) * 100}%`;
  return h("div", { class: "limit" }, h("span", { class: "name" }, row.said), h("span", { class: "faint" }, `${money(row.spent)} of ${money(row.limit)}`), meter);
}

const FAILURES = [["Error", "main"], ["Calls", "number"], ["Last", "number"]];

function failure(row) {
  return [[h("span", { class: "name" }, reason(row), h("span", { class: "faint" }, ` ${row.provider}`))], count(row.calls), when(row.last)];
}

const FALLBACKS = [["Tried in vain → answered", "main"], ["Calls", "number"], ["Last", "number"]];

function fallback(row) {
  return [[h("span", { class: "name", title: `${row.tried} → ${row.provider}` }, row.tried, h("span", { class: "faint" }, " → "), row.provider)], count(row.calls), when(row.last)];
}
