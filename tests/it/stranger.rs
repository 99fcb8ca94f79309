//! The service against a Restcomm that does not come from this house: written from what is known of Restcomm-Connect
//! alone, with its oddities, and able to misbehave. Nothing here knows the simulator.

mod answering;
mod callbacks;
mod calling;
mod calls;
mod form;
mod listing;
mod manners;
mod phoning;
mod platform;
mod rcml;
mod resource;
mod server;
mod setup;
mod wire;

mod call_tokens;
mod denials;
mod failover;
mod fallback;
mod flash_calls;
mod languages;
mod look_ups;
mod oddities;
mod outage;
mod pace;
mod receipts;
mod tokens;
mod voice;
