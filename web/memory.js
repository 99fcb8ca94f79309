/**
 * The code that is on its way, for when the page is loaded again: what the tab remembers until it is closed. Never a
 * code that was typed, nor a key.
 */

import { learnAgain, now, stopwatch } from "./clock.js";

const NAME = "countersign";
/** How long a code may be right of which nobody knows. */
const UNKNOWN_MS = 15 * 60_000;

/** `expires` and `next` are deadlines; `used`, `switched` and `spent` are as `main.js` has them. Spans are kept: the stopwatch begins anew, and the device's clock may be wrong. */
export function keep({ id, to, number, channel, used, switched, spent, lost, expires, next }) {
  const left = (deadline) => (deadline === undefined ? undefined : deadline - stopwatch());
  const spans = { expires: left(expires), next: left(next), now: now(), at: Date.now() };
  const kept = { id, to, number, channel, used, switched, spent, lost, ...spans };
  attempt(() => sessionStorage.setItem(NAME, JSON.stringify(kept)));
}

/** What was kept, while the code can be right. */
export function recall() {
  const kept = attempt(() => JSON.parse(sessionStorage.getItem(NAME)));
  const passed = Math.max(0, Date.now() - kept?.at);
  const known = typeof kept?.id === "string" && typeof kept.number === "string" && Array.isArray(kept.used);
  if (!known || !(passed < (kept.expires ?? UNKNOWN_MS))) {
    drop();
    return undefined;
  }
  learnAgain(kept.now + passed);
  const deadline = (left) => (left === undefined ? undefined : stopwatch() + left - passed);
  return { ...kept, expires: deadline(kept.expires), next: deadline(kept.next) };
}

export function drop() {
  attempt(() => sessionStorage.removeItem(NAME));
}

/** A browser may forbid all of this; then nothing is remembered. */
function attempt(what) {
  try {
    return what();
  } catch {
    return undefined;
  }
}
