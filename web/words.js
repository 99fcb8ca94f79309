/** What the page says. Every refusal of the service ends in words about what happened and what to do now. */

import { span } from "./clock.js";
import { service } from "./configuration.js";

const CHANNELS = {
  sms: { by: "by text message", again: "Send a text message" },
  voice: { by: "by a phone call", again: "Call me instead" },
  flashcall: { by: "by a short call", again: "Ring me instead" },
};

export function by(channel) {
  return CHANNELS[channel]?.by ?? `by ${channel}`;
}

/** The words on the button that changes to a channel. */
export function changeTo(channel) {
  return CHANNELS[channel]?.again ?? `Send it by ${channel}`;
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

export function tooSoon({ retryAfter }) {
  return `A code was sent a moment ago, and it is still good. ${again(retryAfter)}`;
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
export const REFUSED = "The message could not be delivered to this number. Check it, or use another.";
export const NOT_ACCEPTED = "This code was not accepted. Compare it with the newest message, or send a new one.";
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
        title: "The message did not get through",
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
