//! 1Password's Events API: endpoints, requests and answers.
//!
//! Does not know sinks, output files or terminals. [`client`] is the entry; it uses [`http`] to send, [`limiter`],
//! [`throttle`] and [`permits`] to wait, [`retry`] to decide on retries, [`observer`] to report, `clock_check` to
//! compare clocks, [`scan`] and [`wire`] to parse, [`rejection`] to explain refusals. [`connectivity`] tests the
//! connection for a diagnosis. Versions of the API differ only in [`endpoint`] and [`wire`].

pub mod claims;
pub mod client;
mod clock_check;
pub mod connectivity;
pub mod content_encoding;
pub mod endpoint;
pub mod http;
pub(crate) mod jitter;
pub(crate) mod json;
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
pub(crate) mod structural_index;
pub mod throttle;
mod tls_failure;
mod tls_roots;
pub mod transport_error;
mod turn_queue;
pub mod wire;
mod write_coalescing;
