/** What `settings.js` says, and what holds where it says nothing. */

import * as settings from "./settings.js";

export const { service = "", key = "", handset = false, channels = ["sms"], purpose = "login" } = settings;
