//! What systemd is told of a service: that it is ready, how it fares, that it is alive, that it stops.
//!
//! The few lines of sd_notify(3) over a datagram socket. Without `NOTIFY_SOCKET` nothing is said to
//! anybody. It is ready when the service has answered for the first time: until then `systemctl start`
//! waits, and shows a token that is refused as a failed start.

#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::config::Environment;

/// How often systemd is told something where no watchdog asks for more.
const USUAL_PERIOD: Duration = Duration::from_secs(10);

/// The way to systemd.
#[derive(Debug)]
pub struct SystemdNotifier {
    socket: Option<(UnixDatagram, SocketAddr)>,
    period: Duration,
    watches: bool,
    pulse: Mutex<WatchdogState>,
}

#[derive(Debug, Default)]
struct WatchdogState {
    is_ready: bool,
    is_stopping: bool,
    /// When each loop came round last; none once it has ended.
    loops: Vec<Option<Duration>>,
    last_sent: Option<Duration>,
}

impl SystemdNotifier {
    /// The way that the environment names, for a program of so many loops; a bad one is said once.
    pub fn new(environment: &Environment, loops: usize) -> Self {
        let address = environment.raw("NOTIFY_SOCKET").filter(|name| !name.is_empty()).map(|name| match name
            .as_bytes()
        {
            // Only Linux has names that are not paths, and systemd with them.
            #[cfg(target_os = "linux")]
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
            _ => SocketAddr::from_pathname(name),
        });
        let socket = address.and_then(|address| {
            let pair = address.and_then(|address| Ok((UnixDatagram::unbound()?, address)));
            pair.inspect_err(|e| log::warn!("systemd cannot be told anything: NOTIFY_SOCKET: {e}")).ok()
        });
        let is_ours =
            environment.text("WATCHDOG_PID").is_none_or(|pid| pid == std::process::id().to_string());
        let watchdog = environment
            .text("WATCHDOG_USEC")
            .and_then(|text| text.parse().ok())
            .filter(|usec| is_ours && *usec > 0)
            .map(Duration::from_micros);
        let pulse = WatchdogState { loops: vec![Some(Duration::ZERO); loops], ..WatchdogState::default() };
        SystemdNotifier {
            socket,
            period: watchdog.map_or(USUAL_PERIOD, |watchdog| watchdog / 2),
            watches: watchdog.is_some(),
            pulse: Mutex::new(pulse),
        }
    }

    /// How often a loop has to come round; none where nobody listens.
    pub fn period(&self) -> Option<Duration> {
        self.socket.as_ref().map(|_| self.period)
    }

    /// The service has answered.
    pub fn ready(&self) {
        if !std::mem::replace(&mut self.pulse().is_ready, true) {
            self.send("READY=1");
        }
    }

    /// The end has come; said once.
    pub fn stopping(&self) {
        if !std::mem::replace(&mut self.pulse().is_stopping, true) {
            self.send("STOPPING=1");
        }
    }

    /// A loop has come round at `now`. As long as all do, the watchdog is content; `status` is asked for
    /// when it is time to say how things are.
    pub fn alive(&self, index: usize, now: Duration, status: impl FnOnce() -> String) {
        if self.socket.is_none() {
            return;
        }
        let mut pulse = self.pulse();
        pulse.loops[index] = Some(now);
        let is_fresh = |at: Duration| now.saturating_sub(at) < self.period * 2;
        // Sent a little early rather than late: loops come round once a period.
        let is_due = pulse.last_sent.is_none_or(|sent| now.saturating_sub(sent) >= self.period / 2);
        if !is_due || !pulse.loops.iter().flatten().all(|at| is_fresh(*at)) {
            return;
        }
        pulse.last_sent = Some(now);
        let mut text = format!("STATUS={}", status().replace('\n', " "));
        if self.watches {
            text.push_str("\nWATCHDOG=1");
        }
        if !pulse.is_ready {
            // The service may be away for a while: that is no failed start.
            text.push_str(&format!("\nEXTEND_TIMEOUT_USEC={}", (self.period * 4).as_micros()));
        }
        self.send(&text);
    }

    /// A loop has ended and need not come round any more.
    pub fn ended(&self, index: usize) {
        self.pulse().loops[index] = None;
    }

    fn send(&self, text: &str) {
        if let Some((socket, address)) = &self.socket {
            // Nobody is there to hear that nobody is there.
            let _ = socket.send_to_addr(text.as_bytes(), address);
        }
    }

    fn pulse(&self) -> MutexGuard<'_, WatchdogState> {
        self.pulse.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: &UnixDatagram) -> Vec<String> {
        socket.set_nonblocking(true).unwrap();
        let mut buffer = [0; 500];
        std::iter::from_fn(|| {
            let length = socket.recv(&mut buffer).ok()?;
            Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
        })
        .collect()
    }

    #[test]
    fn the_watchdog_hears_of_it_when_all_loops_come_round() {
        let name = format!("opev-test-{}", std::process::id());
        let socket =
            UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(name.as_bytes()).unwrap()).unwrap();
        let environment: Environment =
            [("NOTIFY_SOCKET", format!("@{name}")), ("WATCHDOG_USEC", "20000000".into())]
                .into_iter()
                .collect();
        let notify = SystemdNotifier::new(&environment, 2);
        assert_eq!(notify.period(), Some(Duration::from_secs(10)));
        let at = |index, s| notify.alive(index, Duration::from_secs(s), || "two\nlines".into());
        at(0, 10);
        assert_eq!(heard(&socket), ["STATUS=two lines\nWATCHDOG=1\nEXTEND_TIMEOUT_USEC=40000000"]);
        notify.ready();
        notify.ready();
        at(0, 20);
        assert_eq!(heard(&socket), ["READY=1"], "the other loop has not come round");
        at(1, 21);
        assert_eq!(heard(&socket), ["STATUS=two lines\nWATCHDOG=1"]);
        notify.ended(1);
        at(0, 60);
        notify.stopping();
        notify.stopping();
        assert_eq!(heard(&socket), ["STATUS=two lines\nWATCHDOG=1", "STOPPING=1"]);
    }

    #[test]
    fn without_a_socket_nothing_happens() {
        let notify = SystemdNotifier::new(&Environment::default(), 1);
        assert_eq!(notify.period(), None);
        notify.ready();
        notify.alive(0, Duration::ZERO, || unreachable!());
        notify.stopping();
    }
}
