//! A server that does what a test tells it, byte by byte: for answers that no HTTP library would send.
//!
//! One request a connection. It never looks at time and ends with the test.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
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

/// An address of this machine where nobody listens, for as long as it is kept: the port is that of a connection's
/// other side, so that the system gives it to no listener meanwhile.
pub(crate) struct Nobody {
    pub(crate) address: SocketAddr,
    _held: (TcpStream, TcpListener),
}

pub(crate) fn nobody() -> Nobody {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connected = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    Nobody { address: connected.local_addr().unwrap(), _held: (connected, listener) }
}

/// Passes everything on between two connections, in both directions, until they end.
pub(crate) fn pass_on(near: TcpStream, far: TcpStream) {
    for (mut from, mut to) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
}

/// A way to services that come and go: its address stays. Where there is none, connections are closed.
pub(crate) struct Way {
    pub(crate) address: SocketAddr,
    end: Arc<Mutex<Option<SocketAddr>>>,
}

impl Way {
    /// One that leads nowhere yet.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let way = Way { address: listener.local_addr().unwrap(), end: Arc::default() };
        let end = Arc::clone(&way.end);
        std::thread::spawn(move || {
            for near in listener.incoming() {
                let far = end.lock().unwrap().map(TcpStream::connect);
                if let Some(Ok(far)) = far {
                    pass_on(near.unwrap(), far);
                }
            }
        });
        way
    }

    /// From now on it leads there.
    pub(crate) fn lead_to(&self, end: Option<SocketAddr>) {
        *self.end.lock().unwrap() = end;
    }
}
