//! A server that does what a test tells it, byte by byte: for answers that no HTTP library would send.
//!
//! One request a connection. It never looks at time and ends with the test.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

/// What to do with a connection.
pub(crate) enum Act {
    /// Send these bytes (perhaps none) and close, before reading anything.
    Blurt(Vec<u8>),
    /// Read the request, send these bytes (perhaps none), and close.
    Send(Vec<u8>),
    /// Read the request, send these bytes, and keep the connection open without another word.
    Hang(Vec<u8>),
}

/// A whole answer with this status, more headers and body.
pub(crate) fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Act {
    let body = body.as_ref();
    let head =
        format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    Act::Send([head.as_bytes(), body].concat())
}

/// A server that is running.
pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    /// Starts one; `script` is told the number of each connection, from 0.
    pub(crate) fn start(script: impl Fn(usize) -> Act + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            for (number, stream) in listener.incoming().enumerate() {
                let mut stream = stream.unwrap();
                let act = script(number);
                if let Act::Blurt(bytes) = act {
                    seen.lock().unwrap().push(String::new());
                    let _ = stream.write_all(&bytes);
                    continue;
                }
                let request = read_request(&mut stream);
                seen.lock().unwrap().push(request);
                match act {
                    Act::Blurt(_) => unreachable!("done above"),
                    Act::Send(bytes) => drop(stream.write_all(&bytes)),
                    Act::Hang(bytes) => {
                        let _ = stream.write_all(&bytes);
                        kept.push(stream);
                    }
                }
            }
        });
        Scripted { address, requests }
    }

    /// The requests so far, head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Reads one request: its head, and as much body as the head says.
pub(crate) fn read_request(stream: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok()
                })
                .unwrap_or(0);
            if body.len() >= length {
                return text.into_owned();
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return text.into_owned(),
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

/// An address of this machine where nobody listens.
pub(crate) fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
