//! All that is known of Restcomm: where its accounts are, how a message is handed to them, and what their answers mean.

mod account;
mod callback;
pub mod rcml;
mod sms;
mod token;
pub mod voices;

pub use account::{Account, Accounts, Settings, SmsFrom};
pub use callback::Notice;
pub use sms::{HandOff, LookUpFailed, Message};
pub use token::{CallbackRoute, CallbackToken};
