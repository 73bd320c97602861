// A chart of stacked bars. The bar under the pointer, or chosen with the arrow keys, is read out above it.

import { at, h, nothing, put, s } from "./dom.js";
import { mark, moment } from "./format.js";

const HEIGHT = 132;
const TOP = 8;
const BOTTOM = 18;

/**
 * Draws into the element `id`, with `id-now` and `id-legend` beside it. `buckets` have `at`, `calls` and `errors`;
 * `values(bucket)` are its parts, `names` what they are, `said(value)` how to write one.
 */
export function chart(id, { series, names, values, said, label }) {
  const box = at(id);
  const sums = series.buckets.map((bucket) => values(bucket).reduce((all, one) => all + one, 0));
  const all = sums.reduce((sum, one) => sum + one, 0);
  put(`${id}-now`, said(all));
  if (!all) return empty(id);
  const most = Math.max(...sums);
  const top = ceiling(most);
  const width = Math.max(box.clientWidth, 200);
  const right = 10 + 6 * Math.max(said(top).length, said(top / 2).length); // room for what is written beside the lines
  const svg = s("svg", {
    width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", tabindex: 0,
    "aria-label": `${label}: ${said(all)} in ${series.buckets.length} bars, at most ${said(most)}`,
  });
  const inner = width - right;
  svg.append(...grid(inner, top, said), ...bars(series, values, top, inner), ...ticks(series, inner));
  const chosen = replaced(box, svg);
  drawLegend(id, names, (part) => series.buckets.some((bucket) => values(bucket)[part]));
  readOut(svg, id, series, sums, said, right, chosen);
}

/** Puts a new drawing in place of the old one, focus included: the bar that somebody is looking at, or -1. */
function replaced(box, svg) {
  const old = box.querySelector("svg");
  const focused = old !== null && old === document.activeElement;
  const chosen = old && (focused || box.matches(":hover")) ? Number(old.dataset.chosen) : -1;
  box.replaceChildren(svg); // the old one loses the focus, and what was chosen with it
  if (focused) svg.focus({ preventScroll: true });
  return chosen;
}

function empty(id) {
  put(id, nothing("Nothing in this period."));
  put(`${id}-legend`);
}

function drawLegend(id, names, isUsed) {
  const entry = (name, part) => (isUsed(part) ? h("li", {}, h("i", { class: `dot part-${part}` }), name) : null);
  put(`${id}-legend`, names.map(entry));
}

function ceiling(most) {
  const unit = 10 ** Math.floor(Math.log10(most));
  return unit * [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((step) => most <= unit * step * 1.0001);
}

function grid(width, top, said) {
  return [0, 0.5, 1].flatMap((share) => {
    const y = Math.round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)) + 0.5;
    const line = s("line", { class: "rule", x1: 0, x2: width, y1: y, y2: y });
    return share ? [line, s("text", { x: width + 6, y: y + 4 }, said(top * share))] : [line];
  });
}

function bars(series, values, top, width) {
  const step = width / series.buckets.length;
  const gap = Math.min(4, step * 0.22);
  return series.buckets.map((bucket, number) => {
    let y = HEIGHT - BOTTOM;
    const parts = values(bucket).map((value, part) => {
      const height = (value / top) * (HEIGHT - TOP - BOTTOM);
      y -= height;
      return s("rect", { class: `part-${part}`, x: number * step + gap / 2, y, width: step - gap, height });
    });
    const behind = { class: "behind", x: number * step, y: TOP, width: step, height: HEIGHT - TOP - BOTTOM };
    return s("g", { class: "bar" }, s("rect", behind), parts);
  });
}

function ticks(series, width) {
  const step = width / series.buckets.length;
  let free = 0; // where the next one may begin
  let before = null;
  return series.buckets.flatMap((bucket, number) => {
    const text = mark(bucket.at, series.width);
    const [x, room, same] = [number * step + 1, 6 * text.length, text === before];
    before = text;
    if (same || x < free || x + room > width) return [];
    free = x + room + 18;
    return [s("text", { x, y: HEIGHT - 4 }, text)];
  });
}

function readOut(svg, id, series, sums, said, right, looked) {
  const all = said(sums.reduce((sum, one) => sum + one, 0));
  const bars = [...svg.querySelectorAll(".bar")];
  const show = (chosen) => {
    bars.forEach((bar, number) => bar.classList.toggle("chosen", number === chosen));
    const bucket = series.buckets[chosen];
    const one = () => `${moment(bucket.at, series.width)} · ${said(sums[chosen])} · ${calls(bucket)}`;
    put(`${id}-now`, bucket ? one() : all);
    svg.dataset.chosen = chosen;
  };
  const under = (event) => {
    const box = svg.getBoundingClientRect();
    show(Math.floor(((event.clientX - box.left) / (box.width - right)) * bars.length));
  };
  svg.addEventListener("pointermove", under);
  svg.addEventListener("pointerdown", under);
  svg.addEventListener("pointerleave", () => show(-1));
  svg.addEventListener("blur", () => show(-1));
  svg.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!move) return;
    event.preventDefault();
    const chosen = Number(svg.dataset.chosen);
    show(chosen < 0 ? bars.length - 1 : Math.min(Math.max(chosen + move, 0), bars.length - 1));
  });
  show(looked);
}

function calls(bucket) {
  const errors = bucket.errors ? `, ${bucket.errors} failed` : "";
  return `${bucket.calls} ${bucket.calls === 1 ? "call" : "calls"}${errors}`;
}
