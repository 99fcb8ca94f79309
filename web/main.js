/** The way through the page: a number, its code, and one of two ends. */

import { send, verify } from "./api.js";
import { deadline, fromNow, learnFromSend, learnFromTooSoon } from "./clock.js";
import * as codeForm from "./code-form.js";
import * as ends from "./ends.js";
import * as handset from "./handset.js";
import * as memory from "./memory.js";
import { masked, reached } from "./number.js";
import * as numberForm from "./number-form.js";
import { purpose } from "./configuration.js";
import { alarm, element, forget, murmur, quiet, say, untilThen } from "./steps.js";
import * as ways from "./ways.js";
import * as words from "./words.js";

/**
 * What is under way: the `number` and the `channel`, and of its verification the `id`, the number masked (`to`), the
 * deadline (`expires`), the channels that it `used`, whether it has `switched` to one of them without a wait, which it may
 * once, whether all guesses at its flash call are `spent`, and whether the answer to a check was `lost`. After an end, the
 * number and the channel alone.
 */
let current = {};

/** Changes when the person turns to something else: an answer to what was asked before then comes too late. */
let turn = {};

numberForm.start((number, channel) => begin(number, channel, numberForm.refused));
codeForm.start({
  check,
  resend: (channel) => begin(current.number, channel ?? current.channel, codeForm.refused),
  leave,
});
ends.start({
  again: () => begin(current.number, current.channel, ends.refused),
  leave,
});
handset.start();
reopen(memory.recall());
element("not-started").remove();

/** The page was loaded again while a code was on its way. */
function reopen(kept) {
  if (kept) {
    current = kept;
    handset.watch(reached(kept.number, kept.to));
    codeForm.open(kept);
    codeForm.holdResend(kept.next);
    if (current.spent) {
      codeForm.spent();
    } else {
      say(words.ON_ITS_WAY);
    }
  }
}

/** To another number. */
function leave() {
  turn = {};
  forget();
  memory.drop();
  numberForm.open();
}

/** Sends a code, for the first time or again; `refused` is told where no code form can follow. */
async function begin(number, channel, refused) {
  const asked = turn;
  murmur(words.SENDING);
  const answer = { ...(await send({ to: number, channel, purpose })), channel };
  if (asked !== turn) {
    return;
  }
  quiet();
  handset.watch(reached(number, answer.body.to));
  const { body, code } = answer;
  if (answer.ok) {
    const resent = current.id === body.id;
    learnFromSend(answer);
    follow({ number, channel, id: body.id, to: body.to, expires: deadline(body.expires_at) });
    // An instant on an unknown clock holds nobody back: the service tells whoever comes too early.
    codeForm.holdResend(body.resend_after && (deadline(body.resend_after) ?? fromNow(0)));
    say(news(answer, resent));
  } else if (code === "resend_too_soon" && (body.id ?? pending(number))) {
    stillGood(number, channel, answer);
  } else if (code === "too_many_attempts" || (code === "delivery_refused" && current.number === number)) {
    end(number, channel, answer);
  } else {
    refused(answer);
  }
  remember();
}

/** A code that is on its way survives that the page is loaded again. */
function remember() {
  if (current.id) {
    memory.keep({ ...current, next: codeForm.heldUntil() });
  } else {
    memory.drop();
  }
}

/** The verification of this number that the page knows of, if it has not ended. */
function pending(number) {
  return current.number === number ? current.id : undefined;
}

/** Opens the code form for a verification. */
function follow(verification) {
  const before = pending(verification.number) === verification.id ? current : { used: [] };
  const { channel } = verification;
  const changed = 0 < before.used.length && !before.used.includes(channel);
  const used = [...new Set([...before.used, channel])];
  current = { ...verification, used, switched: before.switched || changed, lost: before.lost };
  codeForm.open(current);
}

/** Nothing was sent, because a moment ago something was: its code is what the form waits for. */
function stillGood(number, channel, answer) {
  const { id = current.id, expires_at, resend_after } = answer.body;
  learnFromTooSoon(answer);
  if (!codeForm.isOpen() || current.id !== id) {
    const known = pending(number) === id ? current : { number, channel, id };
    follow({ ...known, expires: deadline(expires_at) ?? known.expires });
  }
  // Whoever could change without a wait was not told to wait.
  current.switched ||= !current.used.includes(channel);
  ways.know(current);
  // Whoever is not told when may ask again after the wait; else no instant means that no message can come any more.
  const possible = resend_after !== undefined || expires_at === undefined;
  codeForm.holdResend(possible ? fromNow(answer.retryAfter ?? 0) : undefined);
  if (current.spent) {
    codeForm.spent();
  }
  say(words.tooSoon(answer, current.spent));
  untilThen();
}

/** The end that is not OK. */
function end(number, channel, answer) {
  current = { number, channel };
  ends.notOk(answer);
}

function news({ status, body, channel }, resent) {
  const delivery = body.delivery?.status;
  if (delivery === "failed") {
    return words.of(channel).refused;
  }
  // A flash call that nobody answers has rung.
  if (["undelivered", "busy"].includes(delivery) || (delivery === "unanswered" && channel !== "flashcall")) {
    return words.of(channel).missed;
  }
  // A call is queued until it rings, also when Restcomm has it.
  if (delivery === "queued" && (channel === "sms" || status === 202)) {
    return words.of(channel).queued;
  }
  if (resent || status === 200) {
    return words.of(channel).resent;
  }
  // The form says where the code went, and it has the focus.
  return "";
}

/** Checks a code. */
async function check(code) {
  const asked = turn;
  const answer = await verify({ id: current.id, code });
  if (asked !== turn) {
    return;
  }
  quiet();
  // The answer to the right code may have been lost; then the refusal to take it twice is that answer.
  if (answer.ok || (answer.code === "already_approved" && current.lost)) {
    ends.ok(current.to ?? answer.body.to ?? masked(current.number));
    current = {};
    remember();
    return;
  }
  current.lost ||= answer.code === "unreachable" || 500 <= answer.status;
  const left = answer.body.attempts_left;
  const fault = words.faultOf("code", answer);
  const { wrong, notAccepted } = words.of(current.channel);
  const spent = answer.code === "max_attempts_reached" || (answer.code === "wrong_code" && left === 0);
  if (spent && current.channel === "flashcall") {
    current.spent = true;
    codeForm.spent();
  } else if (answer.code === "wrong_code" && !spent) {
    codeForm.wrong(`${wrong} ${left === undefined ? "" : words.triesLeft(left)}`);
  } else if (answer.code === "not_approved") {
    codeForm.wrong(notAccepted);
    codeForm.offerResend();
  } else if (fault) {
    codeForm.wrong(fault);
  } else if (words.ending(answer)) {
    end(current.number, current.channel, answer);
  } else {
    alarm(words.trouble(answer));
  }
  remember();
}
