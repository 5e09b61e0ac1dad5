//! A limiter that counts the requests it refuses, as haproxy's `http_req_rate` does: whoever keeps asking is
//! refused for ever. A run has to come through all the same, without being refused all the time (P9).

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opev::simulator::{EventData, SeededData, SimulatorOptions};

use crate::harness::{Account, BEFORE_ALL, Run, now, truth};
use crate::scripted::read_request;

/// What has come to a limiter, and how much of it was refused.
#[derive(Clone, Copy, Default)]
struct Tally {
    requests: usize,
    refused: usize,
}

/// A gateway in front of a service: no more than `most` requests in any `window`, the refused ones included. Until it
/// has refused one it forgets none, so that it comes to refuse however slow the machine is.
struct CountingLimiter {
    address: SocketAddr,
    tally: Arc<Mutex<Tally>>,
}

impl CountingLimiter {
    fn start(service: SocketAddr, most: usize, window: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let tally = Arc::new(Mutex::new(Tally::default()));
        let arrivals = Arc::new(Mutex::new(VecDeque::new()));
        let counted = Arc::clone(&tally);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (tally, arrivals) = (Arc::clone(&counted), Arc::clone(&arrivals));
                std::thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    let request = read_request(&mut stream);
                    if request.is_empty() {
                        return;
                    }
                    let is_over = {
                        let (mut arrivals, now) = (arrivals.lock().unwrap(), Instant::now());
                        if tally.lock().unwrap().refused > 0 {
                            arrivals.retain(|arrival: &Instant| now - *arrival < window);
                        }
                        arrivals.push_back(now);
                        arrivals.len() > most
                    };
                    let mut told = tally.lock().unwrap();
                    told.requests += 1;
                    told.refused += usize::from(is_over);
                    drop(told);
                    let answer = if is_over { REFUSED.to_vec() } else { passed_on(&request, service) };
                    let _ = stream.write_all(&answer);
                });
            }
        });
        CountingLimiter { address, tally }
    }

    fn tally(&self) -> Tally {
        *self.tally.lock().unwrap()
    }
}

/// As haproxy says it: no Retry-After, no limit.
const REFUSED: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

fn passed_on(request: &str, service: SocketAddr) -> Vec<u8> {
    let mut to = TcpStream::connect(service).unwrap();
    to.write_all(request.replacen("\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1).as_bytes()).unwrap();
    let mut answer = Vec::new();
    to.read_to_end(&mut answer).unwrap();
    answer
}

#[test]
fn a_backfill_comes_through_a_limiter_that_counts_refused_requests() {
    let data = EventData::Seeded(SeededData { events: 24_000, days: 20, ..SeededData::default() });
    let account = Account::new(SimulatorOptions { data, at: Some(now()), ..SimulatorOptions::default() });
    let service = account.simulator.base_url().trim_start_matches("http://").parse().unwrap();
    let limiter = CountingLimiter::start(service, 20, Duration::from_secs(1));
    let mut command = account.command(["fetch", "--since", BEFORE_ALL, "--format", "ndjson"]);
    command.env("OPEV_BASE_URL", format!("http://{}", limiter.address));
    let run = Run::of(command.output().unwrap()).expect(0);
    let Tally { requests, refused } = limiter.tally();
    println!("{refused} of {requests} requests refused");
    // Where every worker came back by itself, it was a third in this short window, and nearly all in a long one.
    assert!(refused > 0 && refused * 5 < requests, "{refused} of {requests} requests refused");
    assert_eq!(run.lines().len(), truth(&account.simulator, ..).len());
}
