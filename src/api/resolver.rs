//! From a server's name to its addresses, remembered for a minute.
//!
//! ureq asks before every request, also where an open connection is at hand, and starts a thread for each
//! lookup that has a timeout: at ten pages a second that was 600 lookups a minute, for nothing. An
//! address that is written as one is never looked up. It must not outlive trouble: [`AddressCache::forget`].

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::clock::{Clock, RealClock};

/// How long addresses are remembered: as long as the shortest usual lifetime in the DNS.
const REMEMBERED: Duration = Duration::from_secs(60);

/// What was looked up; clones share it.
#[derive(Clone)]
pub(super) struct AddressCache(Arc<CacheState>);

struct CacheState {
    clock: Arc<dyn Clock>,
    lookup: Box<dyn Resolver>,
    known: Mutex<Vec<CachedHost>>,
}

/// The addresses of one host and port.
struct CachedHost {
    authority: String,
    addresses: Vec<SocketAddr>,
    since: Duration,
}

impl fmt::Debug for AddressCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AddressCache")
    }
}

impl AddressCache {
    /// Nothing looked up yet; names are looked up as the machine does.
    pub(super) fn new() -> Self {
        AddressCache::with(Arc::new(RealClock::new()), DefaultResolver::default())
    }

    fn with(clock: Arc<dyn Clock>, lookup: impl Resolver) -> Self {
        AddressCache(Arc::new(CacheState { clock, lookup: Box::new(lookup), known: Mutex::default() }))
    }

    /// Clears the cache: a request failed, perhaps because the server's address changed.
    pub(super) fn forget(&self) {
        self.known().clear();
    }

    fn known(&self) -> MutexGuard<'_, Vec<CachedHost>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remembered(&self, authority: &str) -> Option<Vec<SocketAddr>> {
        let now = self.0.clock.elapsed();
        let mut known = self.known();
        known.retain(|known| now.saturating_sub(known.since) < REMEMBERED);
        known.iter().find(|known| known.authority == authority).map(|known| known.addresses.clone())
    }
}

impl Resolver for AddressCache {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        if let Some(address) = written(uri) {
            return Ok(list(self, &[address]));
        }
        // The scheme decides the port where the authority does not say it.
        let key = format!(
            "{}://{}",
            uri.scheme_str().unwrap_or_default(),
            uri.authority().map_or("", |a| a.as_str())
        );
        if let Some(addresses) = self.remembered(&key) {
            return Ok(list(self, &addresses));
        }
        let found = self.0.lookup.resolve(uri, config, timeout)?;
        let since = self.0.clock.elapsed();
        self.known().push(CachedHost { authority: key, addresses: found.to_vec(), since });
        Ok(found)
    }
}

fn list(resolver: &AddressCache, addresses: &[SocketAddr]) -> ResolvedSocketAddrs {
    let mut list = resolver.empty();
    for address in addresses {
        // They came out of such a list, or are one.
        let _ = list.try_push(*address);
    }
    list
}

/// The address of a URI whose host is one.
fn written(uri: &Uri) -> Option<SocketAddr> {
    let host = uri.host()?;
    let ip: IpAddr = host.trim_start_matches('[').trim_end_matches(']').parse().ok()?;
    let usual = match uri.scheme_str()? {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    Some(SocketAddr::new(ip, uri.port_u16().unwrap_or(usual)))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU16, Ordering};

    use chrono::DateTime;

    use super::*;
    use crate::clock::ManualClock;

    /// Gives another port at every lookup.
    #[derive(Debug, Default)]
    struct Counting(AtomicU16);

    impl Resolver for Counting {
        fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
            let mut list = self.empty();
            list.push(SocketAddr::from(([127, 0, 0, 1], self.0.fetch_add(1, Ordering::SeqCst))));
            Ok(list)
        }
    }

    fn ports(addresses: &AddressCache, uri: &str) -> Vec<u16> {
        let timeout = NextTimeout::default();
        let found = addresses.resolve(&uri.parse().unwrap(), &Config::default(), timeout).unwrap();
        found.iter().map(SocketAddr::port).collect()
    }

    #[test]
    fn a_name_is_looked_up_once_a_minute_and_after_trouble() {
        let clock = ManualClock::at(DateTime::UNIX_EPOCH);
        let addresses = AddressCache::with(Arc::new(clock.clone()), Counting::default());
        assert_eq!(ports(&addresses, "https://events.1password.com/a"), [0]);
        assert_eq!(ports(&addresses, "https://events.1password.com/b"), [0]);
        assert_eq!(ports(&addresses, "https://events.1password.eu/a"), [1]);
        addresses.forget();
        assert_eq!(ports(&addresses, "https://events.1password.com/a"), [2]);
        clock.advance(REMEMBERED);
        assert_eq!(ports(&addresses, "https://events.1password.com/a"), [3]);
    }

    #[test]
    fn a_written_address_is_never_looked_up() {
        let addresses = AddressCache::with(Arc::new(RealClock::new()), Counting::default());
        for (uri, port) in
            [("http://127.0.0.1:7777/a", 7777), ("https://[::1]/a", 443), ("http://10.0.0.1", 80)]
        {
            assert_eq!(ports(&addresses, uri), [port], "{uri}");
        }
        assert_eq!(ports(&addresses, "https://events.1password.com"), [0]);
    }
}
