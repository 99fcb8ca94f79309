/**
 * What this copy of the page talks to. `countersign dev` serves the page with these settings; whoever serves the
 * folder from somewhere else changes them here, and nothing else. What is left out has the default of `configuration.js`.
 */

/** Where the service is, such as "https://otp.example.com"; "" is where the page came from. */
export const service = "";

/** A publishable key (cs_pk_…), whose tenant lists this page's origin; "" where none is needed. Never a secret key. */
export const key = "";

/** Whether to show the simulated phone beside the form. Only `countersign dev` has one. */
export const handset = true;

/**
 * How a code may come: "sms", "voice", "flashcall", as far as the tenant has them. Where there are several, the person
 * chooses, and the first is chosen already.
 */
export const channels = ["sms", "voice", "flashcall"];

/** What the code is for; a code never crosses purposes. */
export const purpose = "login";
