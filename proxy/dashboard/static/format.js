// Figures as people read them: money, tokens, durations, times. Every function gives a string.

export const MICRO = 1e6;
const DAY = 86400;

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const cents = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** Dollars: two digits that say something, whole dollars from a thousand on. */
export function money(micro) {
  const dollars = micro / MICRO;
  if (dollars === 0) return "$0";
  if (dollars >= 1000) return `$${whole.format(dollars)}`;
  if (dollars >= 0.1) return `$${cents.format(dollars)}`;
  return `$${dollars.toFixed(dollars >= 0.01 ? 3 : dollars >= 0.001 ? 4 : 6)}`;
}

/** A count, with k, M or B from ten thousand on. */
export function count(number) {
  return number < 10000 ? whole.format(number) : compact.format(number).replace("K", "k");
}

/** A duration: 0.8 s, 12 s, 2 m 05 s, 1 h 10 m. */
export function duration(seconds) {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const all = Math.round(seconds);
  if (all < 60) return `${all} s`;
  if (all < 3600) return `${Math.floor(all / 60)} m ${String(all % 60).padStart(2, "0")} s`;
  return `${Math.floor(all / 3600)} h ${String(Math.floor((all % 3600) / 60)).padStart(2, "0")} m`;
}

/** How long ago, in one unit. */
export function ago(seconds) {
  if (seconds < 2) return "now";
  for (const [unit, letter] of [[86400, "d"], [3600, "h"], [60, "m"]]) {
    if (seconds >= unit) return `${Math.floor(seconds / unit)} ${letter} ago`;
  }
  return `${Math.floor(seconds)} s ago`;
}

/** A share of a whole: 0.4 %, 12 %. */
export function percent(part, of) {
  const share = of ? (100 * part) / of : 0;
  return `${share > 0 && share < 9.95 ? share.toFixed(1).replace(/\.0$/, "") : Math.round(share)} %`;
}

/** When a bucket of a chart begins: its hour, its day, or both where several make a day. */
export function moment(at, width) {
  if (width >= DAY) return mark(at, width);
  return width > 3600 ? `${mark(at, width)} ${mark(at, 0)}` : mark(at, width);
}

/** The same, short enough to stand below the bar: an hour or a day. Days are those of the ledger, in UTC. */
export function mark(at, width) {
  const hour = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const day = { day: "numeric", month: "short", timeZone: width >= DAY ? "UTC" : undefined };
  return new Intl.DateTimeFormat("en", width > 3600 ? day : hour).format(at * 1000);
}

/** The beginning of a long id, which is enough to tell it from others. */
export function short(id) {
  return /^[0-9a-f-]{32,36}$/.test(id) ? id.slice(0, 8) : id;
}
