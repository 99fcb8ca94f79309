/** Phone numbers as the API takes them. Whether one exists is the service's business. */

/** With the digits of Arabic and Persian, and the wide ones of East Asia, as the ones from 0 to 9. */
export function latin(text) {
  return text.replace(/[\u0660-\u0669\u06f0-\u06f9\uff10-\uff19]/g, (digit) => digit.charCodeAt(0) & 0xf);
}

/** Without the signs that people put between digits. */
export function canonical(typed) {
  return latin(typed).trim().replace(/[\s\u00a0().\-\u2010-\u2015]/g, "");
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

/** Whether so many digits can be a whole number. */
export function complete(number) {
  return /^\+[1-9][0-9]{6,14}$/.test(number);
}

/** The calling codes with less than three digits: all others have three. */
const SHORT_CODE = /^\+([17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])/;

/** Masks a number as the service does, for where it gave none. */
export function masked(number) {
  const shown = (SHORT_CODE.exec(number)?.[0] ?? number.slice(0, 4)).length;
  return number.slice(0, shown) + "*".repeat(Math.max(0, number.length - shown - 2)) + number.slice(-2);
}

/** The number that the service masked: it takes out the 0 that some countries dial within: +44 (0)79… is +4479…. */
export function reached(number, to) {
  const code = to?.match(/^\+[0-9]+/)?.[0] ?? "";
  const rest = number.slice(code.length);
  return code && number.length === to.length + 1 && rest.startsWith("0") ? code + rest.slice(1) : number;
}

/** Stars and dots are a nuisance when they are read aloud. */
export function spoken(masked) {
  return `the number ending in ${masked.slice(-2).split("").join(" ")}`;
}
