//! All that is known of Restcomm: where its accounts are, how a message is handed to them, and what their answers mean.

mod account;
mod sms;

pub use account::{Account, Accounts, Settings, SmsFrom};
pub use sms::{HandOff, LookUpFailed, Message};
