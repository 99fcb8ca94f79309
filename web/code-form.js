/** The form that takes the code, and what else can be done while one is awaited. */

import { Countdown, digits, fromNow, span } from "./clock.js";
import { canonical, fault as faultIn, inMessage, ofCaller } from "./code.js";
import { dotted, masked, spoken } from "./number.js";
import { alarm, element, fault, murmur, once, quiet, say, show, title, untilThen, waitIsOver } from "./steps.js";
import * as ways from "./ways.js";
import * as words from "./words.js";

/** When what is left is said aloud, once: the countdown itself is for the eye only. */
const LAST_CALL = 60;

const field = element("code");
const life = element("code-life");
const press = element("code-button");
const resend = element("resend");
const lifetime = new Countdown();
const coolDown = new Countdown();
/** How the code came. */
let came = "sms";
/** Until when no code can be sent again. */
let held;

/** `check` gets a code, `resend` the channel to change to or nothing, `leave` is for another number. */
export function start({ check, resend: again, leave }) {
  element("code-form").addEventListener("submit", (event) => {
    event.preventDefault();
    once(press, async () => {
      quiet();
      const code = came === "flashcall" ? ofCaller(field.value) : canonical(field.value);
      const wrong = faultIn(code, words.of(came));
      fault(field, wrong);
      if (!wrong) {
        murmur(words.CHECKING);
        await check(code);
      }
    }, words.CHECKING);
  });
  field.addEventListener("input", () => fault(field, ""));
  field.addEventListener("paste", (event) => {
    const code = inMessage(event.clipboardData?.getData("text") ?? "");
    if (code) {
      event.preventDefault();
      field.value = code;
      fault(field, "");
    }
  });
  resend.addEventListener("click", () => once(resend, () => again()));
  element("other-number").addEventListener("click", () => {
    close();
    leave();
  });
  ways.start(again);
}

/** Shows the form for a verification; `expires` is a deadline, where it is known. */
export function open(verification) {
  const { to, number, channel, expires } = verification;
  const shown = to ?? masked(number);
  came = channel;
  ways.know(verification);
  ask();
  element("code-to").textContent = dotted(shown);
  element("code-to-spoken").textContent = spoken(shown);
  field.value = "";
  fault(field, "");
  show("code", field);
  title(words.of(came).heading);
  live(expires);
}

/** Says how the code comes and what to type, and takes that. */
function ask() {
  const { heading, lead, how, label } = words.of(came);
  element("code-title").textContent = heading;
  element("code-lead").textContent = `${lead} `;
  element("code-how").textContent = how;
  element("code-label").textContent = label;
  // The last digits of a caller, or all of its number, which no phone fills in.
  const number = came === "flashcall";
  field.inputMode = number ? "tel" : "numeric";
  field.autocomplete = number ? "off" : "one-time-code";
}

export function isOpen() {
  return !element("code-step").hidden;
}

/** Once a code has expired, the way on is a new one; Enter still has the old one checked: the service decides. */
function old(expired) {
  if (expired && document.activeElement === press) {
    field.focus();
  }
  press.hidden = expired;
  resend.className = expired ? "primary" : "quiet";
}

function live(expires) {
  lifetime.stop();
  old(false);
  life.hidden = expires === undefined;
  if (expires === undefined) {
    return;
  }
  let before = Infinity;
  lifetime.start(expires, (left) => {
    life.textContent = `Good for ${digits(left)}`;
    life.toggleAttribute("data-late", left <= LAST_CALL);
    if (left === 0) {
      coolDown.stop();
      life.hidden = true;
      old(true);
      offer();
      title("The code has expired");
      say(words.EXPIRED);
    } else if (left <= LAST_CALL && LAST_CALL < before) {
      say(`The code is good for ${span(left)} more.`);
    }
    before = left;
  });
}

/** Until `next` no code can be sent again; `undefined`: not at all, while this one lives. */
export function holdResend(next) {
  coolDown.stop();
  held = next;
  resend.hidden = next === undefined;
  if (element("other-ways").contains(document.activeElement)) {
    field.focus();
  }
  if (next === undefined) {
    ways.follow(resend);
    return;
  }
  coolDown.start(next, (left) => {
    if (left) {
      resend.disabled = true;
      resend.textContent = `${words.of(came).again} in ${digits(left)}`;
      ways.follow(resend);
    } else {
      offer();
      waitIsOver();
    }
  });
}

export function heldUntil() {
  return held;
}

/** Whoever is not told why a code was not accepted must be able to ask for another. */
export function offerResend() {
  if (resend.hidden) {
    offer();
  }
}

function offer() {
  resend.hidden = false;
  resend.disabled = false;
  const { again, anew } = words.of(came);
  resend.textContent = press.hidden ? anew : again;
  ways.follow(resend);
}

/** A call at which was guessed often enough: its number is of no use any more, but another code is. */
export function spent() {
  lifetime.stop();
  life.hidden = true;
  old(true);
  if (resend.hidden || !resend.disabled) {
    offer();
  }
  wrong(words.CALL_SPENT);
}

/** The code was not the right one; the words say how many tries are left. */
export function wrong(text) {
  title("Not OK: wrong code");
  fault(field, text);
}

/** No message was sent again: says why, and for how long. */
export function refused(answer) {
  if (answer.code === "rate_limited" || answer.code === "resend_too_soon") {
    alarm(answer.code === "rate_limited" ? words.limited(answer) : words.tooSoon(answer));
    if (answer.retryAfter !== undefined) {
      holdResend(fromNow(answer.retryAfter));
      untilThen();
    }
  } else if (words.faultOf("channel", answer)) {
    alarm(words.OTHER_CHANNEL);
  } else if (answer.code === "destination_not_allowed") {
    alarm(words.NOT_ALLOWED);
  } else if (answer.code === "delivery_refused") {
    alarm(words.of(answer.channel).refused);
  } else {
    alarm(words.trouble(answer));
  }
}

/** Nothing is counted down where nobody looks. */
export function close() {
  lifetime.stop();
  coolDown.stop();
}
