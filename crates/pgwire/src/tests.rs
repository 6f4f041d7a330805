//! The protocol, byte for byte, against a small service of the tests' own.

mod client;
mod errors;
mod extended;
mod fake;
mod life;
mod login;
mod simple;
