//! Notifications to systemd: ready, status, watchdog, stopping.
//!
//! sd_notify(3) over a datagram socket. Without `NOTIFY_SOCKET` nothing is sent. A collector is
//! ready when the service has answered for the first time: until then `systemctl start` waits, and shows a
//! token that is refused as a failed start.
//!
//! Sends without waiting: a socket that nobody reads delays nothing (P9), and required messages go
//! with the next message. That is why the crate `sd-notify` is not used: its sends wait, and it reads the
//! environment by itself. Names in Linux's abstract namespace (`@name`) need Linux; paths need any Unix.

use std::ffi::{OsStr, OsString};
use std::io;
#[cfg(target_os = "linux")]
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often a status is sent without a watchdog.
const USUAL_PERIOD: Duration = Duration::from_secs(10);

/// Sends notifications to systemd.
#[derive(Debug)]
pub struct SystemdNotifier {
    socket: Option<(UnixDatagram, SocketAddr)>,
    period: Duration,
    watches: bool,
    state: Mutex<WatchdogState>,
}

#[derive(Debug, Default)]
struct WatchdogState {
    is_ready: bool,
    is_stopping: bool,
    /// The last round of each loop; none once it has ended.
    loops: Vec<Option<Duration>>,
    last_sent: Option<Duration>,
    /// Required messages that could not be sent yet.
    unsent: Vec<&'static str>,
}

impl SystemdNotifier {
    /// The socket that the environment names, for a program with `loops` loops; a bad one is reported once.
    /// `variable` gives a variable of the environment.
    pub fn new(variable: impl Fn(&str) -> Option<OsString>, loops: usize) -> Self {
        let text = |name| variable(name).and_then(|value| value.into_string().ok());
        let name = variable("NOTIFY_SOCKET").filter(|name| !name.is_empty());
        let socket = name.and_then(|name| {
            let socket = address(&name).and_then(|address| {
                let socket = UnixDatagram::unbound()?;
                socket.set_nonblocking(true)?;
                Ok((socket, address))
            });
            socket.inspect_err(|e| log::warn!("cannot notify systemd: NOTIFY_SOCKET: {e}")).ok()
        });
        let is_ours = text("WATCHDOG_PID").is_none_or(|pid| pid == std::process::id().to_string());
        let watchdog = text("WATCHDOG_USEC")
            .and_then(|text| text.parse().ok())
            .filter(|usec| is_ours && *usec > 0)
            .map(Duration::from_micros);
        let state = WatchdogState { loops: vec![Some(Duration::ZERO); loops], ..WatchdogState::default() };
        SystemdNotifier {
            socket,
            period: watchdog.map_or(USUAL_PERIOD, |watchdog| watchdog / 2),
            watches: watchdog.is_some(),
            state: Mutex::new(state),
        }
    }

    /// The longest time between two rounds of a loop; none without a socket.
    pub fn period(&self) -> Option<Duration> {
        self.socket.as_ref().map(|_| self.period)
    }

    /// The service has answered: sends READY once.
    pub fn ready(&self) {
        let mut state = self.state();
        if !std::mem::replace(&mut state.is_ready, true) {
            self.send_surely(&mut state, "READY=1");
        }
    }

    /// The run ends: sends STOPPING once.
    pub fn stopping(&self) {
        let mut state = self.state();
        if !std::mem::replace(&mut state.is_stopping, true) {
            self.send_surely(&mut state, "STOPPING=1");
        }
    }

    /// A loop has come round at `now`. As long as all do, the watchdog is content; `status` is asked for
    /// when it is time to say how things are.
    pub fn alive(&self, index: usize, now: Duration, status: impl FnOnce() -> String) {
        if self.socket.is_none() {
            return;
        }
        let mut state = self.state();
        state.loops[index] = Some(now);
        let is_fresh = |at: Duration| now.saturating_sub(at) < self.period * 2;
        // Sent a little early rather than late: loops come round once a period.
        let is_due = state.last_sent.is_none_or(|sent| now.saturating_sub(sent) >= self.period / 2);
        if !is_due || !state.loops.iter().flatten().all(|at| is_fresh(*at)) {
            return;
        }
        state.last_sent = Some(now);
        let mut text = format!("STATUS={}", status().replace('\n', " "));
        if self.watches {
            text.push_str("\nWATCHDOG=1");
        }
        if !state.is_ready {
            // The service may be away for a while, which does not make the start a failure.
            text.push_str(&format!("\nEXTEND_TIMEOUT_USEC={}", (self.period * 4).as_micros()));
        }
        for assignment in &state.unsent {
            text = format!("{assignment}\n{text}");
        }
        if self.send(&text).is_ok() {
            state.unsent.clear();
        }
    }

    /// A loop has ended.
    pub fn ended(&self, index: usize) {
        self.state().loops[index] = None;
    }

    /// Sends a required message; with the next message, if it cannot be sent now.
    fn send_surely(&self, state: &mut WatchdogState, assignment: &'static str) {
        if self.send(assignment).is_err_and(|e| e.kind() == io::ErrorKind::WouldBlock) {
            state.unsent.push(assignment);
        }
    }

    fn send(&self, text: &str) -> io::Result<()> {
        match &self.socket {
            Some((socket, address)) => socket.send_to_addr(text.as_bytes(), address).map(drop),
            None => Ok(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, WatchdogState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(target_os = "linux")]
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt as _;
    match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        _ => SocketAddr::from_pathname(name),
    }
}

#[cfg(not(target_os = "linux"))]
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    SocketAddr::from_pathname(name)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::os::linux::net::SocketAddrExt as _;

    use super::*;

    fn heard(socket: &UnixDatagram) -> Vec<String> {
        socket.set_nonblocking(true).unwrap();
        let mut buffer = [0; 2000];
        std::iter::from_fn(|| {
            let length = socket.recv(&mut buffer).ok()?;
            Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
        })
        .collect()
    }

    fn notifier(name: &str, loops: usize) -> SystemdNotifier {
        let variable = |wanted: &str| match wanted {
            "NOTIFY_SOCKET" => Some(format!("@{name}").into()),
            "WATCHDOG_USEC" => Some("20000000".into()),
            _ => None,
        };
        SystemdNotifier::new(variable, loops)
    }

    #[test]
    fn a_socket_that_nobody_reads_holds_nobody_and_hears_of_readiness_later() {
        let name = format!("opev-test-full-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(name.as_bytes()).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        let notify = notifier(&name, 1);
        for round in 0..10_000 {
            notify.alive(0, Duration::from_secs(10 * round), || "x".repeat(1000));
        }
        notify.ready();
        assert!(!heard(&socket).contains(&"READY=1".to_owned()), "the socket was full");
        notify.alive(0, Duration::from_secs(1_000_000), || "all is well".into());
        assert_eq!(heard(&socket), ["READY=1\nSTATUS=all is well\nWATCHDOG=1"]);
    }

    #[test]
    fn the_watchdog_hears_of_it_when_all_loops_come_round() {
        let name = format!("opev-test-{}", std::process::id());
        let socket =
            UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(name.as_bytes()).unwrap()).unwrap();
        let notify = notifier(&name, 2);
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
        let notify = SystemdNotifier::new(|_| None, 1);
        assert_eq!(notify.period(), None);
        notify.ready();
        notify.alive(0, Duration::ZERO, || unreachable!());
        notify.stopping();
    }
}
