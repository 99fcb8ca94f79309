/**
 * What time it is at the service, and how long until something.
 *
 * The device's clock may be wrong by hours, so no instant of it is ever compared with one of the service. What the
 * service says is `now` when it answers is remembered beside a stopwatch that only counts up; every deadline is then
 * a number of milliseconds on that stopwatch. Who says when: `created_at` of a new verification is the instant of the
 * answer, and a resend that came too early gives `resend_after` and `Retry-After`, whose difference it is. Where
 * neither was seen, as when a page is loaded again and meets a verification that is pending, the header `Date` serves
 * if it can be read and lies between `created_at` and `expires_at`. Else nothing is counted down, and the service,
 * which decides anyway, tells when something comes too early or too late.
 *
 * Instants are in whole seconds: `created_at` is rounded down and `resend_after` up, so that what is counted down
 * here ends up to a second after it is due, never before.
 */

const start = { steady: performance.now(), wall: Date.now() };
let highest = 0;

/**
 * Milliseconds since the page was loaded. The steady clock stands still while a phone sleeps, and the wall clock can
 * be set; the larger of both spans is taken, and it never runs backwards.
 */
export function stopwatch() {
  highest = Math.max(highest, performance.now() - start.steady, Date.now() - start.wall);
  return highest;
}

/** The service's time less the stopwatch's. */
let offset;

/** The service has just said that it is `instant`, in milliseconds. */
function learn(instant) {
  if (Number.isFinite(instant)) {
    offset = instant - stopwatch();
  }
}

/** From an answer that tells of a verification. `fresh`: it was created by this very request. */
export function learnFromSend({ status, body, date }) {
  if (status === 201 || status === 202) {
    learn(Date.parse(body.created_at));
  } else if (offset === undefined) {
    const said = Date.parse(date ?? "");
    if (Date.parse(body.created_at) <= said && said <= Date.parse(body.expires_at)) {
      learn(said);
    }
  }
}

/** From a refusal that says when, and how long until then. */
export function learnFromTooSoon({ body, retryAfter }) {
  learn(Date.parse(body.resend_after) - retryAfter * 1000);
}

/** What time it is there, if that is known. */
export function now() {
  return offset === undefined ? undefined : stopwatch() + offset;
}

/** The same, from what was remembered. */
export function learnAgain(instant) {
  if (offset === undefined) {
    learn(instant);
  }
}

/** The service's instant as a deadline on the stopwatch; `undefined` where nobody can know. */
export function deadline(instant) {
  const at = Date.parse(instant ?? "") - (offset ?? NaN);
  return Number.isFinite(at) ? at : undefined;
}

/** The deadline that is so many seconds from now. */
export function fromNow(seconds) {
  return stopwatch() + seconds * 1000;
}

/** Counts down to a deadline, one at a time. */
export class Countdown {
  #timer;

  /** Calls `show` with the whole seconds left, at once and whenever they change, at last with 0. */
  start(until, show) {
    this.stop();
    let shown;
    const look = () => {
      const left = Math.max(0, Math.ceil((until - stopwatch()) / 1000));
      if (left === 0) {
        this.stop();
      }
      if (left !== shown) {
        shown = left;
        show(left);
      }
    };
    this.#timer = setInterval(look, 200);
    look();
  }

  stop() {
    clearInterval(this.#timer);
  }
}

/** 75 as "1:15", for the eye. */
export function digits(seconds) {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const tail = `${String(seconds % 60).padStart(2, "0")}`;
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

/** 75 as "2 minutes", for sentences; never less than there is. */
export function span(seconds) {
  const [count, unit] =
    seconds < 60 ? [seconds, "second"] : seconds < 3600 ? [Math.ceil(seconds / 60), "minute"] : [Math.ceil(seconds / 3600), "hour"];
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
