/** The simulated phone of `countersign dev`, which shows what a number received. No part of the public API. */

import * as calls from "./call.js";
import { canonical, complete } from "./number.js";
import { handset as there } from "./configuration.js";
import { element } from "./steps.js";

/** A phone that is left alone rings for two seconds only. */
const EVERY_MS = 500;
/** So long a call that was placed just now takes to ring. */
const SOON_MS = 150;
/** Whoever types on has not finished. */
const PAUSE_MS = 500;
/** Older items are left out. */
const MOST = 30;

const messages = element("messages");
const empty = element("no-messages");

let number = "";
/** What is there, by its place among what the phone received. */
let shown = new Set();
/** Whether there was a call on it when it was last looked at. */
let engaged = false;
let timer;
let pause;
/** Changes with every look: what an older one saw comes too late. */
let look = {};

export function start() {
  if (!there) {
    return;
  }
  element("handset").hidden = false;
  calls.start(async (order, body) => {
    await post(order, body);
    next();
  });
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

/** Shows the phone of this number from now on, and soon what was sent to it just now. */
export function watch(wanted) {
  clearTimeout(pause);
  if (!there || !complete(wanted)) {
    return;
  }
  if (wanted !== number) {
    number = wanted;
    element("handset-number").textContent = number;
    empty.textContent = "No messages yet. What is sent to the number arrives here.";
    clear();
    engaged = false;
    calls.show(undefined);
    next();
  } else {
    clearTimeout(timer);
    timer = setTimeout(next, SOON_MS);
  }
}

function clear() {
  shown = new Set();
  messages.replaceChildren(empty);
}

/** Looks now and then about every half second, unless nobody does. */
async function next() {
  clearTimeout(timer);
  if (document.hidden || !number) {
    return;
  }
  const mine = {};
  look = mine;
  try {
    // In this order: what the phone had received when a call was seen to be over is all there is of that call.
    const { items } = await get("");
    const { call } = await get("/call");
    if (look === mine) {
      calls.show(call);
      render(items, engaged || Boolean(call));
      engaged = Boolean(call);
    }
  } catch {
    // The service may be down for a moment; the phone keeps what it has.
  }
  if (look === mine) {
    timer = setTimeout(next, EVERY_MS);
  }
}

async function get(what) {
  const answer = await fetch(address(what), { cache: "no-store" });
  return answer.json();
}

/** Does something with the call on this phone. One that is over by now needs nothing any more. */
async function post(order, body) {
  const headers = body && { "Content-Type": "application/json" };
  try {
    await fetch(address(`/call/${order}`), { method: "POST", headers, body: body && JSON.stringify(body) });
  } catch {
    // As above.
  }
}

function address(what) {
  return `/sim/phones/${encodeURIComponent(number)}${what}`;
}

/** Adds what is new, so that a reader hears only that. The newest call is not over while `engaged`. */
function render(items, engaged) {
  if (shown.size && items.length <= Math.max(...shown)) {
    // The simulator was started anew.
    clear();
  }
  const live = engaged ? items.findLastIndex(({ kind }) => kind === "call") : -1;
  const fresh = [...items.keys()].filter((place) => !shown.has(place) && place !== live);
  if (fresh.length === 0) {
    return;
  }
  fresh.forEach((place) => shown.add(place));
  empty.remove();
  messages.append(...fresh.slice(-MOST).map((place) => bubble(items[place])));
  while (MOST < messages.childElementCount) {
    messages.firstElementChild.remove();
  }
  messages.scrollTop = messages.scrollHeight;
}

function bubble(item) {
  const { from, at } = item;
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
  bubble.append(head, ...(item.kind === "call" ? calls.past(item) : [words(item.text)]));
  return bubble;
}

/** A message, its code in bold. */
function words(text) {
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
  return words;
}
