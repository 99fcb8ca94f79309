/** The call on the simulated phone: it rings, is taken or not, says something, and hears keys. */

import { element } from "./steps.js";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
const NAMES = { "*": "star", "#": "hash" };

const panel = element("call");
const words = element("call-words");
const keypad = element("keypad");
const buttons = { decline: element("decline"), answer: element("answer"), hangup: element("hang-up") };

/** The call that shows, as it was when it was last seen. */
let shown;
/** What was spoken last on calls from a number. */
const languages = new Map();

/** `act` gets what is to be done with the call, and the body that goes with it; it has done that when it is over. */
export function start(act) {
  for (const [order, button] of Object.entries(buttons)) {
    button.addEventListener("click", () => act(order));
  }
  for (const key of KEYS) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "key";
    button.textContent = key;
    if (NAMES[key]) {
      button.setAttribute("aria-label", NAMES[key]);
    }
    button.addEventListener("click", () => {
      if (shown?.listening) {
        act("keys", { keys: key });
      }
    });
    keypad.append(button);
  }
}

/** Shows the call that the phone rings for, or that it took; `undefined`: there is none. */
export function show(call) {
  const focused = document.activeElement;
  if (shown && shown.sid !== call?.sid) {
    end();
  }
  if (call) {
    if (!shown) {
      begin(call);
    }
    if (call.status !== shown?.status) {
      turn(call);
    }
    hear(call);
    listen(call);
  }
  shown = call;
  // What was used is gone, and whoever used it is not to be lost with it.
  if (panel.contains(focused) && !focused.checkVisibility()) {
    (call ? buttons.hangup : element("messages")).focus();
  }
}

function begin({ from }) {
  element("caller").textContent = from;
  panel.hidden = false;
  element("messages").hidden = true;
}

function end() {
  panel.hidden = true;
  keypad.hidden = true;
  for (const place of [element("call-state"), element("caller"), words]) {
    place.textContent = "";
  }
  words.removeAttribute("tabindex");
  element("messages").hidden = false;
  element("call-news").textContent = "The call is over.";
  shown = undefined;
}

/** It rings, or was taken. */
function turn({ from, status }) {
  const rings = status === "ringing";
  panel.toggleAttribute("data-rings", rings);
  buttons.decline.hidden = !rings;
  buttons.answer.hidden = !rings;
  buttons.hangup.hidden = rings;
  element("call-state").textContent = rings ? "Incoming call" : "On the call";
  // A number is heard digit by digit.
  const heard = from.split("").join(" ");
  element("call-news").textContent = rings ? `The phone rings. ${heard} calls.` : `The call from ${heard} was answered.`;
}

/** Adds what was said since, so that a reader hears only that. */
function hear({ from, spoken, language = "" }) {
  const before = words.textContent;
  if (spoken === before) {
    return;
  }
  languages.set(from, language);
  const goesOn = spoken.startsWith(before);
  const piece = document.createElement("span");
  piece.lang = language;
  piece.textContent = goesOn ? spoken.slice(before.length) : spoken;
  if (!goesOn) {
    words.replaceChildren();
  }
  words.append(piece);
  // Whoever has no mouse scrolls it with keys.
  words.tabIndex = 0;
  words.scrollTop = words.scrollHeight;
}

/** Keys are there from when they are waited for first; when nobody waits, they do nothing, but keep the focus. */
function listen({ listening }) {
  keypad.hidden &&= !listening;
  for (const key of keypad.children) {
    key.setAttribute("aria-disabled", String(!listening));
  }
}

/** What is left of a call that is over. */
export function past({ from, answered, spoken }) {
  const what = document.createElement("p");
  what.className = "bubble-text call-kind";
  what.textContent = answered ? "Answered call" : "Missed call";
  if (!spoken) {
    return [what];
  }
  const said = document.createElement("p");
  said.className = "bubble-text";
  said.dir = "auto";
  said.lang = languages.get(from) ?? "";
  said.textContent = spoken;
  return [what, said];
}
