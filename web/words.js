/** What the page says. Every refusal of the service ends in words about what happened and what to do now. */

import { span } from "./clock.js";
import { service } from "./configuration.js";

/**
 * For each channel: how it is called (`name`, `hint`) where the person chooses, what is promised where there is no other,
 * and the words on the button that sends (`go`), on the one that changes to it, and on those that send once more (`again`,
 * or `anew` once the code is of no use). Of the form that takes the code: its heading, the sentence around the number
 * (`lead` and `how`), the label of the field, and what is said of what was typed. Then what is said of sending.
 */
const CHANNELS = {
  sms: {
    name: "Text message",
    hint: "The code is in it.",
    promise: "We send a short code to it by text message. Type the code back here, and we know.",
    go: "Send the code",
    change: "Send a text message",
    again: "Send again",
    anew: "Send a new code",
    heading: "Type the code",
    lead: "It went by text message to",
    how: ".",
    label: "Code",
    empty: "Type the code from the message.",
    malformed: "A code has digits only, at least four. This cost no try.",
    wrong: "Not OK: that is not the code.",
    notAccepted: "This code was not accepted. Compare it with the newest message, or send a new one.",
    queued: "The message is still on its way out. It may take a little longer than usual.",
    missed: "The message did not reach the phone. Try again in a moment, or use another number.",
    resent: "A message was sent again. Use the code of the newest one.",
    refused: "The message could not be delivered to this number. Check it, or use another.",
  },
  voice: {
    name: "Phone call",
    hint: "A voice says the code.",
    promise: "We call it and say a short code. Type the code here, and we know.",
    go: "Call with the code",
    change: "Call me instead",
    again: "Call again",
    anew: "Call with a new code",
    heading: "Type the code",
    lead: "We call",
    how: ". Answer the call, and a voice says the code.",
    label: "Code",
    empty: "Type the code that the voice says.",
    malformed: "A code has digits only, at least four. This cost no try.",
    wrong: "Not OK: that is not the code.",
    notAccepted: "This code was not accepted. Compare it with what the last call said, or have us call again.",
    queued: "The call has not gone out yet. It may take a little longer than usual.",
    missed: "Nobody could take the call. Have us call again in a moment.",
    resent: "We are calling now. Use the code that this call says.",
    refused: "This number could not be called. Check it, or use another.",
  },
  flashcall: {
    name: "Missed call",
    hint: "The last four digits of the caller’s number are the code. No need to answer.",
    promise: "We call it, and you need not answer. Type how the caller’s number ends, and we know.",
    go: "Ring this phone",
    change: "Give me a missed call",
    again: "Call again",
    anew: "Call again",
    heading: "Which number called?",
    lead: "We call",
    how: ", and you need not answer: the last four digits of the caller’s number are the code.",
    label: "Its last four digits, or the whole number",
    empty: "Type the last four digits of the number that called.",
    malformed: "The number that called has digits only, and its last four are enough. This cost no try.",
    wrong: "Not OK: the number that called does not end like that. Compare its last four digits.",
    notAccepted:
      "This was not accepted. Compare it with the last four digits of the number that called last. Each call allows two tries.",
    queued: "The call has not gone out yet. It may take a little longer than usual.",
    missed: "The phone could not ring. Have us call again in a moment.",
    resent: "We are calling now. The number of this call is the one that counts.",
    refused: "This number could not be called. Check it, or use another.",
  },
};

/** The words of a channel, be it one that this page does not know. */
export function of(channel) {
  return CHANNELS[channel] ?? { ...CHANNELS.sms, name: channel, hint: "", change: `Send it by ${channel}`, lead: `It went by ${channel} to` };
}

/** The words on the button that changes to a channel, from another. */
export function changeTo(channel, from) {
  return channel === "voice" && from === "flashcall" ? "Say the code on a call" : of(channel).change;
}

export function triesLeft(count) {
  return count === 1 ? "One try is left." : `${count} tries are left.`;
}

const UNREACHABLE = service
  ? "The service cannot be reached from here: it is down, the connection is, or it does not allow this page’s address. Try again in a moment."
  : "The service cannot be reached. Check the connection and try again in a moment.";

/** What went wrong, but not with what was typed: it can be tried again as it stands. */
const TROUBLE = {
  unreachable: UNREACHABLE,
  unavailable: "The service cannot do this right now. Nothing was lost: try again in a moment.",
  internal: "Something is wrong on the side of the service. Try again in a moment.",
  request_timeout: "The connection was too slow. Try again.",
  unauthenticated: "The service does not accept this page’s key. Whoever runs this page has to see to it.",
  forbidden: "The service does not let this page do that. Whoever runs this page has to see to it.",
  challenge_required: "The service wants a proof of work that this page cannot give.",
  budget_exhausted: "No more messages can be sent today. Try again tomorrow.",
  blocked: "No codes are sent to numbers like this one at the moment. Try again later, or use another number.",
};

export function trouble({ code, status, retryAfter }) {
  if (code === "rate_limited") {
    return `That was asked for too often. ${retryAfter === undefined ? "Try again later." : `Try again in ${span(retryAfter)}.`}`;
  }
  return TROUBLE[code] ?? `The service did not accept this (${code || status}). Try again in a moment.`;
}

/** What is said of a limit. Whoever calls with a publishable key is not told which, nor whether it is one. */
export function limited({ body, retryAfter }) {
  const what = {
    per_number: "This number has had as many codes as it may for now.",
    undefined: "No code can be sent to this number for now.",
  }[body.limit];
  return `${what ?? "As many codes were asked for as may be for now."} ${again(retryAfter)}`;
}

/** `spent`: no more can be guessed at what was sent. */
export function tooSoon({ retryAfter }, spent = false) {
  return `A code was sent a moment ago${spent ? "" : ", and it is still good"}. ${again(retryAfter)}`;
}

function again(seconds) {
  return seconds === undefined ? "Try again later." : `Another can be sent in ${span(seconds)}.`;
}

/** The fault of a member, from the `errors` of a problem; `undefined` where there is none. */
export function faultOf(member, { code, body }) {
  const error = code === "invalid_request" && body.errors?.find(({ pointer }) => pointer === `#/${member}`);
  if (!error) {
    return undefined;
  }
  const subject = { to: "The number", code: "The code", channel: "This way of sending" }[member];
  // Some say what the matter is with a member, some are a sentence.
  const { detail } = error;
  const sentence = /^(has|is|must|stands)\b/.test(detail) ? `${subject} ${detail}` : detail[0].toUpperCase() + detail.slice(1);
  return sentence.endsWith(".") ? sentence : `${sentence}.`;
}

export const NOT_ALLOWED = "No codes are sent to numbers of this country or kind. Use another number.";
export const CALL_SPENT = "Not OK, and this call allows no more tries. Have us call again, or choose another way.";
export const OTHER_CHANNEL = "This service does not send codes this way. The ways that are left still work.";

export const EXPIRED = "The code has expired. Send a new one.";
export const ON_ITS_WAY = "The code that was sent before is still good.";
export const SENDING = "Sending…";
export const CHECKING = "Checking…";

const NEW = "Send a new code";

/**
 * The ends that are not OK: `title`, `text`, and the words on the button that sends a new code to the same number (`again`).
 * What is not here is no end.
 */
export function ending({ code, body, retryAfter }) {
  switch (code) {
    case "expired":
      return {
        title: "The code has expired",
        text: "Codes live for a few minutes only. Send a new one, and type it while it is fresh.",
        again: NEW,
      };
    case "wrong_code":
    case "max_attempts_reached":
      return {
        title: "All tries are used",
        text: "None is left for this code, not even for the right one. After so many wrong codes the number may have to wait before another can be sent.",
        again: "Ask for another code",
      };
    case "canceled":
      return {
        title: "This code no longer counts",
        text: "It was called off, or a newer one took its place. If there is a newer message, start again with it.",
        again: NEW,
      };
    case "failed":
    case "delivery_refused":
      return {
        title: "The code did not get through",
        text:
          body.reason === "not_deliverable"
            ? "It could not be sent while the code was good. Try once more, or use another number."
            : "The network refused it for this number. Check the number, or use another.",
        again: NEW,
      };
    case "already_approved":
      return {
        title: "This code was used before",
        text: "A code counts once, and this one has counted already. If that was not you, tell whoever sent you here.",
        again: NEW,
      };
    case "no_such_verification":
      return {
        title: "This code is not known any more",
        text: "The service has forgotten it, as it does after a while. Send a new one.",
        again: NEW,
      };
    case "too_many_attempts":
      return blocked(retryAfter);
    default:
      return undefined;
  }
}

/** Without a wait the number is locked for good. */
function blocked(retryAfter) {
  if (retryAfter !== undefined) {
    return {
      title: "This number has to wait",
      text: `There were too many wrong codes in a row. No code is sent and none is checked for ${span(retryAfter)}.`,
      again: NEW,
    };
  }
  return {
    title: "This number is locked",
    text: "There were too many wrong codes in a row. It stays locked until an operator unlocks it: ask whoever runs the service.",
    again: "",
  };
}

/** What stands in front of “Countersign” in the title of the window. */
export const TITLES = {
  number: "Enter your number",
  code: "Type the code",
  ok: "OK: number verified",
  "not-ok": "Not OK",
};
