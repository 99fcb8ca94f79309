/** Codes as the API takes them. */

/** Without the spaces and hyphens that people, and some phones, put between digits. */
export function canonical(typed) {
  return typed.replace(/[\s\u00a0\-\u2010-\u2015]/g, "");
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
export function inMessage(text) {
  if (/^[\s0-9\-]*$/.test(text)) {
    return undefined;
  }
  // The last line may say it again, for the browser.
  const found = new Set(text.match(/(?<![0-9])[0-9]{6,10}(?![0-9])/g));
  return found.size === 1 ? [...found][0] : undefined;
}
