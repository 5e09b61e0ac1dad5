//! 1Password's Events API, and nothing else: where it is, how it is asked, what it answers.
//!
//! Knows no sink, no file and no terminal. Versions of the API differ in [`endpoint`] and [`wire`], nowhere
//! else.

pub mod claims;
pub mod endpoint;
pub mod http;
pub mod proxy;
pub mod retry;
pub mod scan;
pub mod wire;
