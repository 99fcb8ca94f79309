/** The two ends: OK, and not OK with what to do next. */

import { Countdown, digits, fromNow } from "./clock.js";
import { close } from "./code-form.js";
import { dotted, spoken } from "./number.js";
import { alarm, element, once, quiet, show, untilThen, waitIsOver } from "./steps.js";
import * as words from "./words.js";

const again = element("not-ok-again");
const wait = element("not-ok-wait");
const countdown = new Countdown();

/** `again` sends a new code to the same number, `leave` is for another number. */
export function start({ again: sendAgain, leave }) {
  again.addEventListener("click", () =>
    once(again, async () => {
      quiet();
      await sendAgain();
    }),
  );
  for (const button of [element("not-ok-other"), element("ok-again")]) {
    button.addEventListener("click", () => {
      countdown.stop();
      leave();
    });
  }
}

/** `shown` is the number, masked. */
export function ok(shown) {
  close();
  const seen = document.createElement("strong");
  seen.className = "number";
  seen.setAttribute("aria-hidden", "true");
  seen.textContent = dotted(shown);
  const heard = document.createElement("span");
  heard.className = "unseen";
  heard.textContent = spoken(shown);
  element("ok-text").replaceChildren("The code was right. ", heard, seen, " is verified, and this code is used up.");
  show("ok", element("ok-title"));
}

/** `answer` is a refusal that ends the verification. */
export function notOk(answer) {
  close();
  const { title, text, again: possible } = words.ending(answer);
  element("not-ok-title").textContent = title;
  element("not-ok-text").textContent = text;
  again.hidden = !possible;
  again.textContent = possible;
  hold(answer.code === "too_many_attempts" ? answer.retryAfter : undefined);
  show("not-ok", element("not-ok-title"));
}

/** No new code could be sent: says why, and stays. */
export function refused(answer) {
  if (answer.code === "rate_limited" || answer.code === "resend_too_soon") {
    alarm(answer.code === "rate_limited" ? words.limited(answer) : words.tooSoon(answer));
    hold(answer.retryAfter);
  } else if (answer.code === "destination_not_allowed") {
    alarm(words.NOT_ALLOWED);
  } else if (answer.code === "delivery_refused") {
    alarm(words.of(answer.channel).refused);
  } else {
    alarm(words.trouble(answer));
  }
}

function hold(seconds) {
  countdown.stop();
  again.disabled = false;
  wait.hidden = true;
  if (seconds === undefined) {
    return;
  }
  if (document.activeElement === again) {
    element("not-ok-title").focus();
  }
  untilThen();
  countdown.start(fromNow(seconds), (left) => {
    if (left === 0) {
      waitIsOver();
    }
    again.disabled = left > 0;
    wait.hidden = left === 0;
    wait.textContent = `${digits(left)} left`;
  });
}
