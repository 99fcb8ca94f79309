/** Codes as the API takes them. */

import { latin } from "./number.js";

/** How many digits of a caller's number are the code. */
const OF_CALLER = 4;
/** No code of another kind is longer. */
const LONGEST_CODE = 10;

/** Without the spaces and hyphens that people, and some phones, put between digits. */
export function canonical(typed) {
  return latin(typed).replace(/[\s\u00a0\-\u2010-\u2015]/g, "");
}

/**
 * The same of what was typed after a flash call: the last digits of the number that called, where it is surely a number.
 * Phones show a caller as it is dialled at home or from abroad, and the service knows one of these ways only. What has so
 * few digits that it could be a code is left as it is: after a flash call, the service may have sent one another way.
 */
export function ofCaller(typed) {
  const bare = canonical(typed).replace(/[().]/g, "");
  const isNumber = /^\+?[0-9]{4,15}$/.test(bare) && (/[+().]/.test(typed) || LONGEST_CODE < bare.length);
  return isNumber ? bare.slice(-OF_CALLER) : bare;
}

/** What is wrong with a code before it costs a try, in the words of its channel; "" if nothing is. */
export function fault(code, { empty, malformed }) {
  if (code === "") {
    return empty;
  }
  return /^[0-9]{4,15}$/.test(code) ? "" : malformed;
}

/** The code in a message that was pasted as a whole; `undefined` where there is not exactly one. */
export function inMessage(pasted) {
  const text = latin(pasted);
  if (/^[\s0-9\-]*$/.test(text)) {
    return undefined;
  }
  const runs = text.match(/(?<![0-9])[0-9]{4,10}(?![0-9])/g) ?? text.match(/[0-9]{2,}(?:[ \u00a0\-][0-9]{2,})+/g) ?? [];
  // The last line may say it again, for the browser.
  const found = new Set(runs.map(canonical));
  const [code] = found;
  return found.size === 1 && code.length <= 10 ? code : undefined;
}
