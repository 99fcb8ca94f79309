/** The simulated phone of `countersign dev`, which shows what a number received. No part of the public API. */

import { canonical, complete } from "./number.js";
import { handset as there } from "./configuration.js";
import { element } from "./steps.js";

const EVERY_MS = 1000;
/** Whoever types on has not finished. */
const PAUSE_MS = 500;
/** Older messages are left out. */
const MOST = 30;

const messages = element("messages");
const empty = element("no-messages");

let number = "";
let shown = 0;
let timer;
let pause;

export function start() {
  if (!there) {
    return;
  }
  element("handset").hidden = false;
  document.addEventListener("visibilitychange", next);
  const field = element("number");
  field.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(() => {
      // What becomes of a 0 in brackets, the service knows.
      if (!field.value.includes("(0)")) {
        watch(canonical(field.value));
      }
    }, PAUSE_MS);
  });
}

/** Shows the phone of this number, from now on. */
export function watch(wanted) {
  clearTimeout(pause);
  if (!there || wanted === number || !complete(wanted)) {
    return;
  }
  number = wanted;
  shown = 0;
  element("handset-number").textContent = number;
  empty.textContent = "No messages yet. What is sent to the number arrives here.";
  messages.replaceChildren(empty);
  next();
}

/** Looks now and then about once a second, unless nobody does. */
async function next() {
  clearTimeout(timer);
  if (document.hidden || !number) {
    return;
  }
  const asked = number;
  try {
    const answer = await fetch(`/sim/phones/${encodeURIComponent(asked)}`, { cache: "no-store" });
    const { items } = await answer.json();
    if (asked === number) {
      render(items.filter(({ kind }) => kind === "sms"));
    }
  } catch {
    // The service may be down for a moment; the phone keeps what it has.
  }
  if (asked === number) {
    clearTimeout(timer);
    timer = setTimeout(next, EVERY_MS);
  }
}

/** Adds what is new, so that a reader hears only that. */
function render(items) {
  if (items.length < shown) {
    // The simulator was started anew.
    messages.replaceChildren(empty);
    shown = 0;
  }
  const fresh = items.slice(shown).slice(-MOST);
  if (fresh.length === 0) {
    return;
  }
  shown = items.length;
  empty.remove();
  messages.append(...fresh.map(bubble));
  while (MOST < messages.childElementCount) {
    messages.firstElementChild.remove();
  }
  messages.scrollTop = messages.scrollHeight;
}

function bubble({ from, text, at }) {
  const bubble = document.createElement("article");
  bubble.className = "bubble";
  const head = document.createElement("p");
  head.className = "bubble-head";
  const sender = document.createElement("span");
  sender.className = "sender";
  sender.textContent = from;
  const time = document.createElement("time");
  time.dateTime = at;
  time.textContent = new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  head.append(sender, time);
  const words = document.createElement("p");
  words.className = "bubble-text";
  words.dir = "auto";
  for (const part of text.split(/(\b[0-9]{6,10}\b)/)) {
    const code = /^[0-9]{6,10}$/.test(part);
    const piece = code ? document.createElement("strong") : document.createTextNode(part);
    if (code) {
      piece.textContent = part;
    }
    words.append(piece);
  }
  bubble.append(head, words);
  return bubble;
}
