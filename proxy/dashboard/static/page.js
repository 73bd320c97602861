// The page: listens to the server's events and has them drawn; ages tick by themselves.

import { tick } from "./ages.js";
import { at, put } from "./dom.js";
import { drawLive } from "./live.js";
import { drawCharts, drawReport } from "./report.js";

const PATIENCE = 6000; // milliseconds without a connection before it is said
const AGAIN = 5000;

let stream = null;
let live = null;
let report = null;
let ahead = 0; // seconds that the server's clock is ahead of ours
let lost = 0;

function chosen() {
  return document.querySelector("input[name=period]:checked").value;
}

function connect() {
  stream?.close();
  stream = new EventSource(`/dashboard/events?period=${chosen()}`);
  stream.addEventListener("open", () => say("live"));
  stream.addEventListener("live", (event) => took(event, (found) => {
    live = found.live;
    drawLive(live, report?.last_errors ?? {});
  }));
  stream.addEventListener("report", (event) => took(event, (found) => {
    report = found.report;
    drawReport(report);
    if (live) drawLive(live, report.last_errors);
  }));
  stream.addEventListener("error", failed);
}

function took(event, draw) {
  const found = JSON.parse(event.data);
  ahead = found.now - Date.now() / 1000;
  const away = found.live?.away || found.report?.away;
  at("away").hidden = !away;
  if (!away) draw(found);
  document.body.dataset.ready = [live && "live", report && report.period].filter(Boolean).join(" ");
  tick(found.now);
}

function say(state) {
  clearTimeout(lost);
  lost = 0;
  put("status", state);
  at("status").dataset.state = state;
}

// A stream that ended is opened again by the browser; one that was refused is not: the session may be over.
async function failed() {
  lost ||= setTimeout(() => say("not connected"), PATIENCE);
  if (stream.readyState !== EventSource.CLOSED || document.hidden) return;
  setTimeout(() => document.hidden || connect(), AGAIN);
  const answer = await fetch("/dashboard", { redirect: "manual" }).catch(() => null);
  if (answer?.type === "opaqueredirect") location.assign("/dashboard/login");
}

document.addEventListener("visibilitychange", () => (document.hidden ? stream?.close() : connect()));
at("period").addEventListener("change", connect);
new ResizeObserver(() => report && drawCharts(report.series)).observe(at("money"));
setInterval(() => tick(Date.now() / 1000 + ahead), 1000);
put("origin", location.origin);
connect();
