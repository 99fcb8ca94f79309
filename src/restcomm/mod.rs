//! All that is known of Restcomm: where its accounts are, how a message is handed to them, and what their answers mean.

mod account;
mod call;
mod callback;
mod exchange;
mod form;
pub mod rcml;
mod sms;
mod token;
pub mod voices;

pub use account::{Account, Accounts, Settings, SmsFrom};
pub use call::{Call, ListedCall};
pub use callback::{CallToSpeakOn, Notice};
pub use exchange::{HandOff, HandedOver, LookUpFailed, Standing};
pub use sms::Message;
pub use token::{CallbackRoute, CallbackToken};
