// Writes ages and waits, which change by themselves. `tick` is called every second.

import { ago, duration } from "./format.js";

/** Writes all of them anew; `now` is the server's time in seconds. */
export function tick(now) {
  write("since", (time) => duration(Math.max(now - time, 0)));
  write("at", (time) => ago(Math.max(now - time, 0)));
  write("until", (time) => (time > now ? `tried again in ${duration(time - now)}` : "the next call tries it"));
}

function write(kind, said) {
  for (const element of document.querySelectorAll(`[data-${kind}]`)) {
    element.textContent = said(Number(element.dataset[kind]));
  }
}
