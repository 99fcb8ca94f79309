/** Codes as the API takes them. */

import { latin } from "./number.js";

/** Without the spaces and hyphens that people, and some phones, put between digits. */
export function canonical(typed) {
  return latin(typed).replace(/[\s\u00a0\-\u2010-\u2015]/g, "");
}

/** What is wrong with a code before it costs a try, in words; "" if nothing is. */
export function fault(code) {
  if (code === "") {
    return "Type the code from the message.";
  }
  if (!/^[0-9]{4,15}$/.test(code)) {
    return "A code has digits only, at least four. This cost no try.";
  }
  return "";
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
