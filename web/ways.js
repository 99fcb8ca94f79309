/** The other ways in which a code can come, as buttons below the form that takes it. */

import { channels } from "./configuration.js";
import { element, once } from "./steps.js";
import { changeTo } from "./words.js";

const buttons = new Map();
let current;
/** What need not wait: the first change to a way that was not used yet. */
let free = () => false;

/** `change` gets the channel to change to. */
export function start(change) {
  for (const channel of channels.length < 2 ? [] : channels) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.dataset.channel = channel;
    button.addEventListener("click", () => once(button, () => change(channel)));
    buttons.set(channel, button);
    element("channels").append(button);
  }
}

/** Of a verification: the `channel` of its code, those that it `used`, and whether it has `switched` without a wait. */
export function know({ channel, used, switched }) {
  current = channel;
  free = (other) => !switched && !used.includes(other);
  for (const [other, button] of buttons) {
    button.textContent = changeTo(other, current);
  }
}

/** All others can be had when the code can be sent again the way it came. */
export function follow({ hidden, disabled }) {
  for (const [channel, button] of buttons) {
    button.hidden = channel === current || (hidden && !free(channel));
    button.disabled = disabled && !free(channel);
  }
}
