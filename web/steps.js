/** The four steps of the page: which one shows, where the focus goes, and what is said beside them. */

import { TITLES } from "./words.js";

export const element = (id) => document.getElementById(id);

const STEPS = ["number", "code", "ok", "not-ok"];

/** Shows a step, and moves the focus to `focus`: without that, a reader would stay where nothing is any more. */
export function show(step, focus) {
  for (const other of STEPS) {
    element(`${other}-step`).hidden = other !== step;
  }
  const place = STEPS.indexOf(step) < 2 ? step : "end";
  let passed = true;
  for (const item of document.querySelectorAll("[data-step]")) {
    const here = item.dataset.step === place;
    passed &&= !here;
    item.toggleAttribute("data-passed", passed);
    if (here) {
      item.setAttribute("aria-current", "step");
    } else {
      item.removeAttribute("aria-current");
    }
  }
  title(TITLES[step]);
  quiet();
  focus.focus({ preventScroll: true });
  // Short screens may have been scrolled down to the phone.
  element("task").scrollIntoView({ block: "nearest" });
}

export function title(words) {
  document.title = `${words} · Countersign`;
}

/** Says something that can wait until the reader has finished a sentence. */
export function say(words) {
  element("trouble").textContent = "";
  element("status").textContent = words;
}

/** Says something that cannot wait. */
export function alarm(words) {
  element("status").textContent = "";
  element("trouble").textContent = words;
}

export function quiet() {
  say("");
}

/** A fault of a field, in words beside it; "" takes it away. */
export function fault(field, words) {
  element(`${field.id}-error`).textContent = words;
  if (words) {
    field.setAttribute("aria-invalid", "true");
    field.focus();
    field.select();
  } else {
    field.removeAttribute("aria-invalid");
  }
}

/** What is under way, if anything is. */
let busy;

/**
 * Runs `work` unless something is under way already: whatever is pressed twice happens once. The button is not
 * disabled, which would take the focus away from it, but says that it is.
 */
export async function once(button, work) {
  if (busy || button.getAttribute("aria-disabled") === "true") {
    return;
  }
  const mine = {};
  busy = mine;
  element("task").setAttribute("aria-busy", "true");
  button.setAttribute("aria-disabled", "true");
  try {
    await work();
  } finally {
    button.removeAttribute("aria-disabled");
    if (busy === mine) {
      forget();
    }
  }
}

/** Whoever turns to something else need not wait for what is under way. */
export function forget() {
  busy = undefined;
  element("task").removeAttribute("aria-busy");
}
