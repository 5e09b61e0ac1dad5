//! 1Password's Events API, and nothing else: where it is, how it is asked, what it answers.
//!
//! Knows no sink, no output file and no terminal. [`client`] is the way in; under it, [`http`] sends,
//! [`limiter`], [`throttle`] and [`permits`] hold back, [`retry`] decides, [`observer`] is told, `clock_check` compares clocks, [`scan`] and [`wire`]
//! read, and [`rejection`] explains; [`connectivity`] tries the way there for a diagnosis. Versions of the API differ in
//! [`endpoint`] and [`wire`], nowhere else.

pub mod claims;
pub mod client;
mod clock_check;
pub mod connectivity;
mod content_encoding;
pub mod endpoint;
pub mod http;
pub(crate) mod jitter;
mod json;
pub mod limiter;
pub mod observer;
pub mod permits;
pub mod proxy;
pub mod rejection;
mod resolver;
pub mod retry;
mod retryable;
pub mod scan;
pub mod server;
mod structural_index;
pub mod throttle;
mod tls_failure;
mod tls_roots;
mod transport_error;
mod turn_queue;
pub mod wire;
mod write_coalescing;
