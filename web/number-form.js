/** The form that takes a phone number. */

import { Countdown, digits, fromNow } from "./clock.js";
import { channels } from "./configuration.js";
import { canonical, fault as faultIn } from "./number.js";
import { alarm, element, fault, once, quiet, show, untilThen, waitIsOver } from "./steps.js";
import * as words from "./words.js";

const field = element("number");
const button = element("number-button");
const wait = element("number-wait");
const countdown = new Countdown();

/** `submit` is called with a number that could be one, and a channel. Until then nothing can be typed. */
export function start(submit) {
  offer();
  field.disabled = false;
  button.disabled = false;
  element("number-form").addEventListener("submit", (event) => {
    event.preventDefault();
    once(button, async () => {
      quiet();
      const number = canonical(field.value);
      const wrong = faultIn(number);
      fault(field, wrong);
      if (!wrong) {
        release();
        await submit(number, chosen());
      }
    }, words.SENDING);
  });
  field.addEventListener("input", () => {
    // What holds one number back says nothing of another.
    release();
    waitIsOver();
    fault(field, "");
  });
}

/** Where a code can come in more than one way, the person chooses. */
function offer() {
  const ways = element("ways");
  for (const [place, channel] of channels.entries()) {
    const { name, hint } = words.of(channel);
    const label = document.createElement("label");
    const button = Object.assign(document.createElement("input"), { type: "radio", name: "channel", value: channel });
    button.defaultChecked = place === 0;
    const text = document.createElement("span");
    const small = document.createElement("small");
    small.textContent = hint;
    text.append(name, " ", small);
    label.append(button, text);
    ways.append(label);
  }
  ways.hidden = channels.length < 2;
  if (ways.hidden) {
    element("number-lead").textContent = words.of(channels[0]).promise;
  }
  const show = () => {
    button.textContent = words.of(chosen()).go;
  };
  ways.addEventListener("change", show);
  show();
}

function chosen() {
  return element("ways").querySelector(":checked")?.value ?? channels[0];
}

export function open() {
  release();
  fault(field, "");
  show("number", field);
  field.select();
}

/** The service did not send: says why, beside the field where it is about the number. */
export function refused(answer) {
  const wrong = words.faultOf("to", answer);
  if (wrong) {
    fault(field, wrong);
  } else if (answer.code === "destination_not_allowed") {
    fault(field, words.NOT_ALLOWED);
  } else if (answer.code === "delivery_refused") {
    fault(field, words.of(answer.channel).refused);
  } else if (words.faultOf("channel", answer)) {
    alarm(words.OTHER_CHANNEL);
  } else if (answer.code === "rate_limited" || answer.code === "resend_too_soon") {
    alarm(answer.code === "rate_limited" ? words.limited(answer) : words.tooSoon(answer));
    hold(answer.retryAfter);
  } else {
    alarm(words.trouble(answer));
  }
}

/** Another number may be tried at once, this one not before the wait is over. */
function hold(seconds) {
  if (seconds === undefined) {
    return;
  }
  field.focus();
  untilThen();
  countdown.start(fromNow(seconds), (left) => {
    if (left === 0) {
      waitIsOver();
    }
    button.disabled = left > 0;
    wait.hidden = left === 0;
    wait.textContent = `${digits(left)} left`;
  });
}

function release() {
  countdown.stop();
  button.disabled = false;
  wait.hidden = true;
}
