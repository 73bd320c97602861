// What goes on now: calls under way, the latest calls, where calls go, and whether the set-up was refused.

import { ended, plain, underWay, when } from "./calls.js";
import { at, h, nothing, put } from "./dom.js";
import { money } from "./format.js";

const STATES = { closed: "good", open: "bad" };

/** Draws a `live` event. `errors` are the last ones of each provider, from the last report. */
export function drawLive(live, errors) {
  put("holds-count", live.under_way ? `${live.under_way} · up to ${money(live.held)}` : "");
  put("holds", live.holds.length ? underWay(live.holds) : nothing("Nothing now."));
  put("latest", live.latest.length ? ended("Latest calls", live.latest) : nothing("No call has ended yet."));
  put("source", live.source, live.loaded ? [" · read ", when(live.loaded)] : []);
  put("routes", live.routes.map((route) => routeOf(route, live.breakers, errors)));
  drawRefusal(live);
  const unused = live.latest.length === 0 && live.holds.length === 0;
  at("first-steps").hidden = !unused;
  document.body.classList.toggle("unused", unused);
}

function routeOf(route, breakers, errors) {
  const targets = route.targets.map((one) => targetOf(one, breakers[one.provider], errors[one.provider]));
  return h("div", { class: "route" }, h("h3", {}, route.name), h("ol", {}, targets));
}

function targetOf(target, breaker, error) {
  const state = breaker?.state ?? "closed";
  const unseen = h("span", { class: "unseen" }, `breaker ${state} `);
  const model = h("span", { class: "faint" }, ` ${target.model || "as asked"}`);
  return h(
    "li", {},
    h("i", { class: `dot ${STATES[state] ?? "warn"}` }, unseen),
    h(
      "span", { class: "target" },
      h("span", { class: "name" }, target.provider, model),
      target.downgrade ? h("span", { class: "tag" }, "downgrade") : null,
      breaker ? waits(breaker) : error ? failed(error) : null,
    ),
  );
}

function waits(breaker) {
  const until = h("span", { "data-until": breaker.until });
  return h("span", { class: "sub bad" }, `${breaker.state}: ${breaker.reason} · `, until);
}

function failed(error) {
  return h("span", { class: "sub" }, `last error ${plain(error.error)} · `, when(error.at));
}

function drawRefusal(live) {
  at("refused").hidden = !live.refused;
  if (!live.refused) return;
  const what = h("b", {}, `${live.source || "The set-up"} was refused`);
  const since = live.refused_at ? [" ", when(live.refused_at)] : [];
  put("refused", what, since, ". The one from before stays in force.", h("code", {}, live.refused));
}
