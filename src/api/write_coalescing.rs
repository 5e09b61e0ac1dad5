//! A request's head and body, sent in one piece.
//!
//! ureq hands them over one after the other, and each would be a packet, a TLS record and a wake-up of the
//! server of its own. What is handed over is held until an answer is waited for.

use std::fmt;

use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

/// More than this is not held: our requests are a token and a cursor.
const MOST_HELD: usize = 16 * 1024;

/// The last link of a chain of connectors.
#[derive(Debug)]
pub(super) struct WriteCoalescing;

impl<T: Transport> Connector<T> for WriteCoalescing {
    type Out = CoalescedTransport<T>;

    fn connect(&self, _: &ConnectionDetails<'_>, made: Option<T>) -> Result<Option<Self::Out>, Error> {
        Ok(made.map(|transport| CoalescedTransport { transport, held: Vec::new() }))
    }
}

/// A connection that sends when an answer is waited for.
pub(super) struct CoalescedTransport<T> {
    transport: T,
    held: Vec<u8>,
}

impl<T: Transport> CoalescedTransport<T> {
    fn send(&mut self, timeout: NextTimeout) -> Result<(), Error> {
        while !self.held.is_empty() {
            let output = self.transport.buffers().output();
            let amount = self.held.len().min(output.len());
            output[..amount].copy_from_slice(&self.held[..amount]);
            self.held.drain(..amount);
            self.transport.transmit_output(amount, timeout)?;
        }
        Ok(())
    }
}

impl<T: Transport> Transport for CoalescedTransport<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.transport.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.held.extend_from_slice(&self.transport.buffers().output()[..amount]);
        if self.held.len() > MOST_HELD { self.send(timeout) } else { Ok(()) }
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.send(timeout)?;
        self.transport.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.held.is_empty() && self.transport.is_open()
    }

    fn is_tls(&self) -> bool {
        self.transport.is_tls()
    }
}

/// What is held has the token in it (P10).
impl<T: fmt::Debug> fmt::Debug for CoalescedTransport<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CoalescedTransport").field(&self.transport).finish()
    }
}
