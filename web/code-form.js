/** The form that takes the code, and what else can be done while one is awaited. */

import { Countdown, digits, fromNow, span } from "./clock.js";
import { canonical, fault as faultIn, inMessage } from "./code.js";
import { dotted, masked, spoken } from "./number.js";
import { channels } from "./configuration.js";
import { alarm, element, fault, murmur, once, quiet, say, show, title, untilThen, waitIsOver } from "./steps.js";
import * as words from "./words.js";

/** When what is left is said aloud, once: the countdown itself is for the eye only. */
const LAST_CALL = 60;

const field = element("code");
const life = element("code-life");
const press = element("code-button");
const resend = element("resend");
const lifetime = new Countdown();
const coolDown = new Countdown();
/** Until when no message can be sent again. */
let held;

/** `check` gets a code, `resend` the channel to change to or nothing, `leave` is for another number. */
export function start({ check, resend: again, leave }) {
  element("code-form").addEventListener("submit", (event) => {
    event.preventDefault();
    once(press, async () => {
      quiet();
      const code = canonical(field.value);
      const wrong = faultIn(code);
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
  for (const channel of channels.slice(1)) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.dataset.channel = channel;
    button.textContent = words.changeTo(channel);
    button.addEventListener("click", () => once(button, () => again(channel)));
    element("channels").append(button);
  }
}

/** Shows the form; `expires` is a deadline, where it is known. */
export function open({ to, number, channel, expires }) {
  const shown = to ?? masked(number);
  element("code-lead").textContent = `It went ${words.by(channel)} to `;
  element("code-to").textContent = dotted(shown);
  element("code-to-spoken").textContent = spoken(shown);
  field.value = "";
  fault(field, "");
  show("code", field);
  live(expires);
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

/** Until `next` no message can be sent again; `undefined`: not at all, while this code lives. */
export function holdResend(next) {
  coolDown.stop();
  held = next;
  resend.hidden = next === undefined;
  if (next === undefined) {
    return;
  }
  if (document.activeElement === resend) {
    field.focus();
  }
  coolDown.start(next, (left) => {
    if (left) {
      resend.disabled = true;
      resend.textContent = `Send again in ${digits(left)}`;
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
  resend.textContent = press.hidden ? "Send a new code" : "Send again";
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
    alarm(words.REFUSED);
  } else {
    alarm(words.trouble(answer));
  }
}

/** Nothing is counted down where nobody looks. */
export function close() {
  lifetime.stop();
  coolDown.stop();
}
