/** Phone numbers as the API takes them. Whether one exists is the service's business. */

/** Without the signs that people put between digits. */
export function canonical(typed) {
  return typed.trim().replace(/[\s\u00a0().\-\u2010-\u2015]/g, "");
}

/** What is wrong with a number before anybody is asked, in words; "" if nothing is. */
export function fault(number) {
  if (number === "") {
    return "Type a phone number.";
  }
  if (!number.startsWith("+")) {
    return "Begin with + and the country’s code: +351 for Portugal, +1 for the United States.";
  }
  if (!/^\+[0-9]+$/.test(number)) {
    return "After the +, a number has digits only.";
  }
  return "";
}

/** What the service masked, in signs that are easier to the eye. */
export function dotted(masked) {
  return masked.replace(/\*+/, (stars) => ` ${"•".repeat(stars.length)} `).trim();
}

/** For where the service gave no masked number: only the last two digits are shown. */
export function masked(number) {
  return number.replace(/^\+/, "").replace(/[0-9](?=[0-9]{2})/g, "*");
}

/** Stars and dots are a nuisance when they are read aloud. */
export function spoken(masked) {
  return `the number ending in ${masked.slice(-2).split("").join(" ")}`;
}
