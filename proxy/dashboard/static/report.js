// The figures of a period: sums, charts, spending by name, limits, errors, fallbacks, the slowest calls.

import { ended, reason, when } from "./calls.js";
import { chart } from "./chart.js";
import { at, h, nothing, put, table } from "./dom.js";
import { MICRO, count, duration, money, percent, short } from "./format.js";

const KINDS = {
  input_tokens: "input", output_tokens: "output", cache_read_tokens: "cache read", cache_write_tokens: "cache write",
  cache_write_1h_tokens: "cache write, 1 h",
};
const GROUPS = {
  provider: "provider", model: "model", role: "role", route: "tier", run: "run", person: "person", client: "client key",
};
const FAILURES = [["Error", "main"], ["Calls", "number"], ["Last", "number"]];
const FALLBACKS = [["Tried in vain → answered", "main"], ["Calls", "number"], ["Last", "number"]];

/** Draws a `report` event. */
export function drawReport(report) {
  const none = () => nothing("None in this period.");
  drawTiles(report.totals);
  drawCharts(report.series);
  put("limits", report.limits.length ? report.limits.map(limit) : nothing("No limits are set."));
  put("failures", report.failures.length ? table("Errors by type", FAILURES, report.failures.map(failure)) : none());
  put("fallbacks", report.fallbacks.length ? table("Fallbacks", FALLBACKS, report.fallbacks.map(fallback)) : none());
  put("slowest", report.slowest.length ? ended("Slowest calls", report.slowest) : none());
  put("spending", Object.entries(GROUPS).map(([name, said]) => group(said, report.by[name])));
  at("window").hidden = report.whole;
}

/** Draws the charts alone, for another width. */
export function drawCharts(series) {
  const providers = series.providers.map((name) => name ?? "others");
  const kinds = series.kinds.map((kind) => KINDS[kind]);
  chart("money", { series, label: "Money over time", said: money, names: providers, values: (bucket) => bucket.spent });
  chart("tokens", { series, label: "Tokens over time", said: count, names: kinds, values: (bucket) => bucket.tokens });
}

function drawTiles(sums) {
  const { calls, errors, fallbacks, first_seconds: first } = sums;
  const read = tokensOf(sums) - sums.output_tokens;
  put(
    "tiles",
    tile("Spent", money(sums.micro_dollars), calls ? `${money(sums.micro_dollars / calls)} a call` : "no calls"),
    tile("Calls", count(calls), errors ? `${count(errors)} failed, ${percent(errors, calls)}` : "none failed"),
    tile("Tokens", count(tokensOf(sums)), `${percent(sums.cache_read_tokens, read)} of input from cache`),
    tile("Median call", about(sums.median_seconds, calls), `95 % within ${about(sums.p95_seconds, calls)}`),
    tile("First token", first === null ? "–" : duration(first), "on average"),
    tile("Fallbacks", count(fallbacks), `${percent(fallbacks, calls)} of calls`),
  );
}

function tile(name, value, more) {
  return h("div", { class: "tile" }, h("dt", {}, name), h("dd", {}, h("b", {}, value), h("span", {}, more)));
}

function tokensOf(sums) {
  return Object.keys(KINDS).reduce((all, kind) => all + sums[kind], 0);
}

function about(seconds, calls) {
  if (!calls) return "–";
  return seconds === null ? "over 5 m" : duration(seconds);
}

function group(said, rows) {
  if (!rows.length) return null;
  const most = Math.max(...rows.map((row) => row.micro_dollars));
  const columns = [[`By ${said}`, "main"], ["Calls", "number"], ["Tokens", "number"], ["Cost", "number"]];
  const label = `Spending by ${said}`;
  const cells = (row) => [
    [nameOf(row), share(row.micro_dollars, most), said === "provider" ? speed(row) : null],
    [count(row.calls), row.errors ? h("span", { class: "sub bad" }, `${count(row.errors)} failed`) : null],
    count(row.tokens ?? tokensOf(row)),
    money(row.micro_dollars),
  ];
  return h("section", { class: "panel", "aria-label": label }, table(label, columns, rows.map(cells)));
}

function nameOf(row) {
  if (row.name === null) return h("span", { class: "name faint" }, `${row.names} others`);
  return h("span", { class: "name", title: row.name }, short(row.name));
}

function share(part, most) {
  const bar = h("i", { class: "share", "aria-hidden": "true" });
  bar.style.width = `${most ? (100 * part) / most : 0}%`;
  return bar;
}

function speed(row) {
  if (row.first_seconds === null) return null;
  const median = about(row.median_seconds, row.calls);
  return h("span", { class: "sub" }, `first token ${duration(row.first_seconds)} · median ${median}`);
}

function limit(row) {
  const used = row.limit ? row.spent / row.limit : 1;
  const text = `${money(row.spent)} of ${money(row.limit)}`;
  const [spent, held] = [h("i"), h("i")];
  spent.style.width = `${100 * Math.min(used, 1)}%`;
  held.style.width = `${100 * Math.min(row.limit ? row.held / row.limit : 0, Math.max(1 - used, 0))}%`;
  const meter = h("div", {
    class: `meter ${used >= 1 ? "bad" : used >= 0.8 ? "warn" : ""}`, role: "meter", "aria-label": row.said,
    "aria-valuemin": 0, "aria-valuemax": row.limit / MICRO, "aria-valuenow": row.spent / MICRO, "aria-valuetext": text,
  }, spent, held);
  const said = [h("span", { class: "name" }, row.said), h("span", { class: "faint" }, text)];
  return h("div", { class: "limit" }, said, meter);
}

function failure(row) {
  const provider = h("span", { class: "faint" }, ` ${row.provider}`);
  return [h("span", { class: "name" }, reason(row), provider), count(row.calls), when(row.last)];
}

function fallback(row) {
  const arrow = h("span", { class: "faint" }, " → ");
  const title = `${row.tried} → ${row.provider}`;
  return [h("span", { class: "name", title }, row.tried, arrow, row.provider), count(row.calls), when(row.last)];
}
