//! T13: our rate as the service sees it: sixteen workers, a wall clock that is set forwards and back, and
//! no window holds more requests than the limit, while at least 95 % of it are used.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use opev::api::client::{Client, ClientConfig};
use opev::api::endpoint::{ApiVersion, PageRequest};
use opev::api::http::{Http, HttpConfig};
use opev::api::limiter::Limiter;
use opev::api::permits::Permits;
use opev::api::retry::RetryPolicy;
use opev::cancel::Cancel;
use opev::clock::{Clock as _, ManualClock};
use opev::event::Stream;
use opev::simulator::{RateLimit, Simulator};

use crate::frozen::frozen;

const PER_MINUTE: usize = 600;
const WORKERS: usize = 16;
const MINUTES: usize = 6;
const TIME: Duration = Duration::from_secs(60 * MINUTES as u64);

#[test]
fn no_window_holds_more_than_the_limit_and_nearly_all_of_it_is_used() {
    let mut options = frozen(100);
    options.rate_limit = Some(RateLimit::new(PER_MINUTE, 30_000));
    let start = options.at.unwrap();
    let clock = Arc::new(ManualClock::at(start));
    let simulator = Simulator::start(options, clock.clone()).unwrap();
    let client = Client::new(ClientConfig {
        trusts_clock: true,
        server: simulator.base_url().parse().unwrap(),
        version: ApiVersion::V2,
        token: simulator.token().clone(),
        reload: None,
        proxy: None,
        http: Http::new(HttpConfig::default()),
        limiter: Limiter::new(PER_MINUTE as u32, clock.clone()),
        permits: Permits::new(WORKERS),
        policy: RetryPolicy { budget: Duration::ZERO, deadline: None },
        observer: None,
        clock: clock.clone(),
        cancel: Cancel::new(),
    });
    let asked = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (client, asked, clock) = (&client, &asked, &clock);
            scope.spawn(move || {
                let stream = Stream::ALL[worker % 3];
                while clock.elapsed() < TIME {
                    let number = asked.fetch_add(1, Ordering::SeqCst) + 1;
                    if number.is_multiple_of(500) {
                        // Somebody sets the clock, now a day back, now a day ahead.
                        let days = if number.is_multiple_of(1_000) { 1 } else { -1 };
                        clock.step_to(start + TimeDelta::days(days));
                    }
                    client.page(stream, &PageRequest::First { limit: 1, since: None, until: None }).unwrap();
                }
            });
        }
    });
    let report = simulator.report();
    assert_eq!(report.broken, []);
    assert_eq!(report.answers.keys().copied().collect::<Vec<_>>(), [200]);
    assert!(report.most_in_a_minute <= PER_MINUTE, "{report}");
    let used = report.requests as f64 / (PER_MINUTE * MINUTES) as f64;
    assert!(used >= 0.95, "{:.1} % used", used * 100.0);
    println!("{} requests, {:.1} % of the limit used", report.requests, used * 100.0);
}
