//! The page, as people see it: in a real browser, with a service behind it.
//!
//! Needs Debian's chromium and chromium-driver, and axe-core from `tests/npm`; `scripts/test` sees to both.

mod accessible;
mod calls;
mod chromium;
mod elsewhere;
mod faults;
mod files;
mod in_view;
mod journey;
mod keyboard;
mod modules;
mod other_origin;
mod phone;
mod screenshots;
mod stage;
mod static_server;
mod waits;
mod ways;
