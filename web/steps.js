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
  element(`${step}-step`).querySelector(".said-here")?.append(element("said"));
  focus.focus({ preventScroll: true });
  // Short screens may have been scrolled down to the phone.
  element("task").scrollIntoView({ block: "nearest" });
}

export function title(words) {
  document.title = `${words} · Countersign`;
}

/** Only words that come into a place which is there already, and was empty, are heard, even if they are the same. */
const PAUSE_MS = 100;
let saying;
/** Whether what is said is that something has to wait. */
let ofWait = false;

/** Says something that can wait until the reader has finished a sentence. */
export function say(words) {
  put("status", words);
}

/** Says something that is shown elsewhere. */
export function murmur(words) {
  put("status", words);
  element("status").classList.add("unseen");
}

/** Says something that cannot wait. */
export function alarm(words) {
  put("trouble", words);
}

export function quiet() {
  clearTimeout(saying);
  ofWait = false;
  for (const place of [element("status"), element("trouble")]) {
    place.textContent = "";
    place.classList.remove("unseen");
  }
}

/** What was said just now holds only until `waitIsOver`. */
export function untilThen() {
  ofWait = true;
}

export function waitIsOver() {
  if (ofWait) {
    quiet();
  }
}

function put(id, words) {
  quiet();
  if (!words) {
    return;
  }
  saying = setTimeout(() => {
    const place = element(id);
    place.textContent = words;
    if (!place.classList.contains("unseen")) {
      place.scrollIntoView({ block: "nearest" });
    }
  }, PAUSE_MS);
}

/** A fault of a field, in words beside it; "" takes it away. */
export function fault(field, words) {
  const place = element(`${field.id}-error`);
  place.textContent = words;
  if (words) {
    field.setAttribute("aria-invalid", "true");
    field.focus();
    field.select();
    place.scrollIntoView({ block: "nearest" });
  } else {
    field.removeAttribute("aria-invalid");
  }
}

/** What is under way, if anything is. */
let busy;

/**
 * Runs `work` unless something is under way already: whatever is pressed twice happens once. The button is not
 * disabled, which would take the focus away from it, but says that it is, and `meanwhile` what is done.
 */
export async function once(button, work, meanwhile) {
  if (busy || button.getAttribute("aria-disabled") === "true") {
    return;
  }
  const mine = {};
  busy = mine;
  element("task").setAttribute("aria-busy", "true");
  button.setAttribute("aria-disabled", "true");
  const label = button.textContent;
  if (meanwhile) {
    button.textContent = meanwhile;
  }
  try {
    await work();
  } finally {
    button.removeAttribute("aria-disabled");
    if (meanwhile) {
      button.textContent = label;
    }
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
