//! The simulator keeps its own word: paging is exact, every switch and every fault does what it says.
//!
//! Spoken to over raw TCP, so that nothing of the product's client stands between the claim and the proof.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use opev::clock::ManualClock;
use opev::event::Stream;
use opev::simulator::{
    ApiForm, Bound, ClientRule, CursorWithRange, ErrorShape, EventData, Fault, FaultRule, FaultScript,
    FilterBy, KeyOrder, Latency, RateLimit, RunningSimulator, SeededData, ServiceBehavior, Simulator,
    SimulatorOptions, TokenOptions, UserTypeKey,
};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use siphasher::sip::SipHasher24;

fn noon() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn start_with_clock(options: SimulatorOptions) -> (RunningSimulator, ManualClock) {
    let clock = ManualClock::at(noon());
    (Simulator::start(options, Arc::new(clock.clone())).unwrap(), clock)
}

fn start(options: SimulatorOptions) -> RunningSimulator {
    start_with_clock(options).0
}

fn small() -> SimulatorOptions {
    SimulatorOptions {
        data: EventData::Seeded(SeededData { events: 900, ..SeededData::default() }),
        ..SimulatorOptions::default()
    }
}

fn behavior(behavior: ServiceBehavior) -> SimulatorOptions {
    SimulatorOptions { behavior, ..small() }
}

fn with_fault(rule: &str) -> RunningSimulator {
    start(SimulatorOptions { script: FaultScript::from(rule.parse::<FaultRule>().unwrap()), ..small() })
}

/// What came back, whether or not it was all of it.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    fn length(&self) -> Option<usize> {
        self.header("Content-Length")?.parse().ok()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn page(&self) -> Page {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Debug, Deserialize)]
struct Page {
    cursor: String,
    has_more: bool,
    items: Option<Vec<Box<RawValue>>>,
}

impl Page {
    fn raw(&self) -> Vec<Vec<u8>> {
        self.items.iter().flatten().map(|item| item.get().as_bytes().to_vec()).collect()
    }
}

/// Sends bytes on a connection of its own and reads until the simulator closes it.
fn exchange(running: &RunningSimulator, request: &str) -> Answer {
    let mut connection = TcpStream::connect(("127.0.0.1", running.port())).unwrap();
    connection.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    connection.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, head, body: bytes[end..].to_vec() }
}

fn request(running: &RunningSimulator, method: &str, path: &str, more: &str, body: &str) -> Answer {
    let token = running.token().expose();
    exchange(
        running,
        &format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nUser-Agent: test\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n{more}\r\n{body}",
            body.len()
        ),
    )
}

fn post(running: &RunningSimulator, stream: Stream, body: &Value) -> Answer {
    request(running, "POST", &format!("/api/v2/{}", stream.name()), "", &body.to_string())
}

fn get(running: &RunningSimulator, path: &str) -> Answer {
    request(running, "GET", path, "", "")
}

fn since(days: i64, limit: u64) -> Value {
    json!({"limit": limit, "start_time": (noon() - TimeDelta::days(days)).to_rfc3339()})
}

fn cursor(page: &Page) -> Value {
    json!({"cursor": page.cursor})
}

/// Asks, and follows the cursor to its end.
fn walk(running: &RunningSimulator, stream: Stream, first: &Value) -> Vec<Vec<u8>> {
    let mut page = post(running, stream, first).page();
    let mut items = page.raw();
    while page.has_more {
        page = post(running, stream, &cursor(&page)).page();
        items.extend(page.raw());
    }
    items
}

fn truth(running: &RunningSimulator, stream: Stream) -> Vec<Vec<u8>> {
    running.truth(stream, ApiForm::V2, ..).map(|fact| fact.raw).collect()
}

const SIGNINS: Stream = Stream::SignInAttempts;
const USAGES: Stream = Stream::ItemUsages;
const AUDITS: Stream = Stream::AuditEvents;

#[test]
fn pages_add_up_to_the_truth_for_every_limit_and_habit() {
    let mut variants = vec![small(), SimulatorOptions { gzip: true, ..small() }];
    for empty_page_before_end in [true, false] {
        for filter in [FilterBy::EventTime, FilterBy::Arrival] {
            for keys in [KeyOrder::CursorFirst, KeyOrder::ItemsFirst] {
                let more =
                    ServiceBehavior { empty_page_before_end, filter, keys, ..ServiceBehavior::default() };
                variants.push(behavior(more));
            }
        }
    }
    variants.push(SimulatorOptions {
        data: EventData::Seeded(SeededData { events: 900, hostile: true, ..SeededData::default() }),
        ..SimulatorOptions::default()
    });
    for options in variants {
        let running = start(options);
        for stream in Stream::ALL {
            let truth = truth(&running, stream);
            assert!(!truth.is_empty());
            for limit in [7, 45, 100, 1000] {
                assert_eq!(walk(&running, stream, &since(31, limit)), truth, "{stream}, limit {limit}");
            }
        }
        assert_eq!(walk(&running, AUDITS, &since(31, 1)), truth(&running, AUDITS));
        assert_eq!(running.report().broken, []);
    }
}

#[test]
fn a_range_holds_what_the_bounds_say() {
    let probe = start(small());
    let times: Vec<_> = probe.truth(AUDITS, ApiForm::V2, ..).map(|fact| fact.timestamp).collect();
    let (from, until) = (times[20].min(times[60]), times[20].max(times[60]));
    let body = json!({"limit": 1000, "start_time": from.to_rfc3339(), "end_time": until.to_rfc3339()});
    let count = |start, end| {
        let running = start_bounds(start, end);
        walk(&running, AUDITS, &body).len()
    };
    let inner = count(Bound::Exclusive, Bound::Exclusive);
    assert_eq!(inner, probe.truth(AUDITS, ApiForm::V2, from..until).count() - 1);
    assert_eq!(count(Bound::Inclusive, Bound::Exclusive), inner + 1);
    assert_eq!(count(Bound::Exclusive, Bound::Inclusive), inner + 1);
    assert_eq!(count(Bound::Inclusive, Bound::Inclusive), inner + 2);
}

fn start_bounds(start_bound: Bound, end: Bound) -> RunningSimulator {
    start(behavior(ServiceBehavior { start: start_bound, end, ..ServiceBehavior::default() }))
}

#[test]
fn a_late_event_is_found_by_the_time_that_is_filtered_by() {
    for (filter, by_time, by_arrival) in
        [(FilterBy::EventTime, true, false), (FilterBy::Arrival, false, true)]
    {
        let running = start(behavior(ServiceBehavior { filter, ..ServiceBehavior::default() }));
        let late = running
            .truth(USAGES, ApiForm::V2, ..)
            .find(|fact| fact.arrival - fact.timestamp > TimeDelta::minutes(20))
            .expect("some events are late");
        let around = |time: DateTime<Utc>| {
            let (start, end) = (time - TimeDelta::seconds(1), time + TimeDelta::seconds(1));
            let body = json!({"start_time": start.to_rfc3339(), "end_time": end.to_rfc3339()});
            walk(&running, USAGES, &body).contains(&late.raw)
        };
        assert_eq!((around(late.timestamp), around(late.arrival)), (by_time, by_arrival));
    }
}

#[test]
fn the_default_is_the_last_hour_and_a_hundred() {
    let running = start(SimulatorOptions {
        data: EventData::Seeded(SeededData { events: 400_000, ..SeededData::default() }),
        ..SimulatorOptions::default()
    });
    let hour = running.truth(SIGNINS, ApiForm::V2, noon() - TimeDelta::hours(1)..).count();
    assert!(hour > 100);
    assert_eq!(post(&running, SIGNINS, &json!({})).page().raw().len(), 100);
    assert_eq!(walk(&running, SIGNINS, &json!({})).len(), hour);
    let until = noon() - TimeDelta::days(3);
    let earlier = walk(&running, SIGNINS, &json!({"end_time": until.to_rfc3339()})).len();
    assert_eq!(earlier, running.truth(SIGNINS, ApiForm::V2, until - TimeDelta::hours(1)..until).count());
}

#[test]
fn a_cursor_carries_its_end_or_forgets_it() {
    for cursor_forgets_end in [false, true] {
        let running = start(behavior(ServiceBehavior { cursor_forgets_end, ..ServiceBehavior::default() }));
        let end = noon() - TimeDelta::days(10);
        let mut body = since(30, 10);
        body["end_time"] = end.to_rfc3339().into();
        let walked = walk(&running, AUDITS, &body).len();
        let within = running.truth(AUDITS, ApiForm::V2, ..end).count();
        let all = running.truth(AUDITS, ApiForm::V2, ..).count();
        assert_eq!(walked, if cursor_forgets_end { all } else { within });
    }
}

#[test]
fn the_ways_of_writing_an_answer_are_switches() {
    let seen = start(small());
    let other = start(behavior(ServiceBehavior {
        keys: KeyOrder::ItemsFirst,
        user_type_key: UserTypeKey::Type,
        errors: ErrorShape::Nested,
        ..ServiceBehavior::default()
    }));
    let text =
        |running: &RunningSimulator| String::from_utf8(post(running, SIGNINS, &since(30, 1)).body).unwrap();
    assert!(text(&seen).starts_with("{\"cursor\":\"") && text(&seen).contains("\"user_type\":\"user\""));
    assert!(text(&other).starts_with("{\"items\":[") && text(&other).contains(",\"type\":\"user\""));
    let v1 = request(&seen, "POST", "/api/v1/signinattempts", "", "[]").json();
    assert!(v1["Error"]["Message"].is_string());
    let v2 = post(&seen, SIGNINS, &json!([])).json();
    assert_eq!(v2["status"], 400);
    assert!(post(&other, SIGNINS, &json!([])).json()["Error"]["Message"].is_string());
}

#[test]
fn has_more_can_be_true_before_an_empty_page() {
    let running = start(small());
    let page = post(&running, AUDITS, &since(30, 1000)).page();
    assert!(page.has_more && !page.raw().is_empty());
    let empty = post(&running, AUDITS, &cursor(&page)).page();
    assert!(!empty.has_more && empty.raw().is_empty());
    let idle = post(&running, AUDITS, &cursor(&empty)).page();
    assert!(!idle.has_more && idle.cursor == empty.cursor, "an idle poll is one request");

    let plain =
        start(behavior(ServiceBehavior { empty_page_before_end: false, ..ServiceBehavior::default() }));
    assert!(!post(&plain, AUDITS, &since(30, 1000)).page().has_more);
}

#[test]
fn a_cursor_that_was_at_the_end_can_repeat_the_last_events() {
    let more = ServiceBehavior {
        repeats_when_followed: 3,
        empty_page_before_end: false,
        ..ServiceBehavior::default()
    };
    let running = start(behavior(more));
    let page = post(&running, AUDITS, &since(30, 1000)).page();
    assert!(!page.has_more);
    let again = post(&running, AUDITS, &cursor(&page)).page().raw();
    assert_eq!(again, page.raw()[page.raw().len() - 3..]);
}

#[test]
fn cursors_and_bytes_are_the_same_in_every_simulator_at_every_time() {
    let (one, _) = start_with_clock(small());
    let clock = ManualClock::at(noon() + TimeDelta::days(2));
    let other = Simulator::start(small(), Arc::new(clock)).unwrap();
    let first = post(&one, USAGES, &since(20, 50)).page();
    let next = post(&one, USAGES, &cursor(&first)).page().raw();
    assert_eq!(post(&other, USAGES, &cursor(&first)).page().raw(), next);
    let stranger = start(SimulatorOptions {
        data: EventData::Seeded(SeededData { events: 900, seed: 2, ..SeededData::default() }),
        ..SimulatorOptions::default()
    });
    assert_eq!(post(&stranger, USAGES, &cursor(&first)).status, 400);
    assert_eq!(stranger.report().broken[0].rule, ClientRule::KnownCursor);
}

#[test]
fn the_bytes_of_a_seed_are_pinned() {
    // What another process, machine or release serves for this seed and time. A change here breaks every
    // cursor and every recorded figure: it belongs in the CHANGELOG.
    use std::hash::Hasher;
    let running = start(small());
    let mut hasher = SipHasher24::new();
    for stream in Stream::ALL {
        for fact in running.truth(stream, ApiForm::V2, ..) {
            hasher.write(&fact.raw);
        }
    }
    assert_eq!(format!("{:016x}", hasher.finish()), "8b024cb31067c742");
}

#[test]
fn live_events_arrive_once_each() {
    let seeded = SeededData { events: 300, live: Some(20.0), ..SeededData::default() };
    let (running, clock) =
        start_with_clock(SimulatorOptions { data: EventData::Seeded(seeded), ..SimulatorOptions::default() });
    let mut page = post(&running, USAGES, &since(30, 1000)).page();
    let mut items = page.raw();
    assert_eq!(items.len(), 150);
    for _ in 0..10 {
        clock.advance(Duration::from_secs(6));
        loop {
            page = post(&running, USAGES, &cursor(&page)).page();
            items.extend(page.raw());
            if !page.has_more {
                break;
            }
        }
    }
    assert_eq!(items.len(), 150 + 600);
    assert_eq!(items, truth(&running, USAGES));
}

#[test]
fn the_token_opens_what_it_grants_while_it_lasts() {
    let token = TokenOptions { features: vec![AUDITS], expires_in: Some(60), audience: None };
    let (running, clock) = start_with_clock(SimulatorOptions { token, ..small() });
    assert_eq!(post(&running, AUDITS, &json!({})).status, 200);
    assert_eq!(post(&running, SIGNINS, &json!({})).status, 401);
    let v2 = get(&running, "/api/v2/auth/introspect").json();
    assert_eq!(
        (&v2["features"], &v2["account_uuid"]),
        (&json!(["auditevents"]), &json!(running.account_uuid()))
    );
    let v1 = get(&running, "/api/auth/introspect").json();
    assert_eq!((&v1["Features"], &v1["IssuedAt"]), (&json!(["auditevents"]), &json!("2026-11-20T12:00:00Z")));
    clock.advance(Duration::from_secs(60));
    assert_eq!(post(&running, AUDITS, &json!({})).status, 401);
    let wrong =
        exchange(&running, "GET /api/v2/auth/introspect HTTP/1.0\r\nAuthorization: Bearer abc\r\n\r\n");
    assert_eq!((wrong.status, &wrong.json()["message"]), (401, &json!("Unauthorized")));
    assert_eq!(exchange(&running, "GET /api/auth/introspect HTTP/1.0\r\n\r\n").status, 401);
}

#[test]
fn a_token_is_good_in_every_simulator_of_its_company() {
    let (one, same) = (start(small()), start(small()));
    let other = start(SimulatorOptions {
        data: EventData::Seeded(SeededData { seed: 9, ..SeededData::default() }),
        ..SimulatorOptions::default()
    });
    let ask = |running| {
        let token = one.token().expose();
        let head = format!("GET /api/v2/auth/introspect HTTP/1.0\r\nAuthorization: Bearer {token}\r\n\r\n");
        exchange(running, &head).status
    };
    assert_eq!((ask(&one), ask(&same), ask(&other)), (200, 200, 401));
}

#[test]
fn wrong_requests_are_refused_and_noticed() {
    let running = start(small());
    for body in [json!({"limit": 0}), json!({"limit": 1001}), json!({"start_time": "now"}), json!([])] {
        assert_eq!(post(&running, AUDITS, &body).status, 400, "{body}");
    }
    let page = post(&running, AUDITS, &json!({})).page();
    assert_eq!(post(&running, AUDITS, &json!({"cursor": page.cursor, "limit": 5})).status, 400);
    assert_eq!(post(&running, AUDITS, &json!({"cursor": "None"})).status, 400);
    assert_eq!(post(&running, SIGNINS, &cursor(&page)).status, 400, "a cursor is one stream's");
    assert_eq!(get(&running, "/api/v9/auditevents").status, 404);
    assert_eq!(get(&running, "/api/v2/auditevents").status, 405);
    exchange(&running, "POST /api/v2/auditevents HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}");
    let report = running.report();
    let times =
        |rule| report.broken.iter().find(|broken| broken.rule == rule).map_or(0, |broken| broken.times);
    assert_eq!(times(ClientRule::WellFormed), 4);
    assert_eq!(times(ClientRule::OneForm), 1);
    assert_eq!(times(ClientRule::KnownCursor), 2);
    assert_eq!(times(ClientRule::KnownAddress), 2);
    assert_eq!(times(ClientRule::Bearer), 1);
    assert_eq!(times(ClientRule::ContentType), 1);
    assert_eq!(times(ClientRule::UserAgent), 1);
    assert_eq!(report.requests, 11);
    assert_eq!(running.requests().len(), 11);
    assert!(!format!("{:?}{report}", running.requests()).contains(running.token().expose()));
}

#[test]
fn a_cursor_with_a_line_break_behind_it_is_read() {
    // The vendor's Splunk client saves a cursor with the line break of its file, and sends both.
    let running = start(small());
    let page = post(&running, AUDITS, &since(30, 20)).page();
    let next = post(&running, AUDITS, &cursor(&page)).page();
    let with_break = post(&running, AUDITS, &json!({"cursor": format!("{}\n", page.cursor)})).page();
    assert_eq!(with_break.raw(), next.raw());
    assert_eq!(running.report().broken, []);
}

#[test]
fn a_body_in_chunks_is_answered() {
    let running = start(small());
    let head = format!(
        "POST /api/v2/auditevents HTTP/1.1\r\nAuthorization: Bearer {}\r\nUser-Agent: test\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        running.token().expose()
    );
    let body = since(30, 5).to_string();
    let (first, second) = body.split_at(9);
    let chunks = [first, second, ""].map(|part| format!("{:x}\r\n{part}\r\n", part.len())).concat();
    assert_eq!(exchange(&running, &(head + &chunks)).page().raw().len(), 5);
    assert_eq!(running.report().broken, []);
}

#[test]
fn a_cursor_with_a_limit_is_a_switch_and_a_broken_rule_in_each_state() {
    for (cursor_with_range, status, count) in [
        (CursorWithRange::Refused, 400, 0),
        (CursorWithRange::CursorWins, 200, 20),
        (CursorWithRange::RangeWins, 200, 3),
    ] {
        let running = start(behavior(ServiceBehavior { cursor_with_range, ..ServiceBehavior::default() }));
        let page = post(&running, AUDITS, &since(30, 20)).page();
        let mut body = since(30, 3);
        body["cursor"] = page.cursor.clone().into();
        let answer = post(&running, AUDITS, &body);
        assert_eq!(answer.status, status);
        if status == 200 {
            assert_eq!(answer.page().raw().len(), count, "{cursor_with_range:?}");
        }
        let rules: Vec<ClientRule> = running.report().broken.iter().map(|broken| broken.rule).collect();
        assert_eq!(rules, [ClientRule::OneForm]);
    }
}

#[test]
fn nulls_and_floats_are_switches() {
    let body = json!({"cursor": null, "limit": 7.0, "end_time": null});
    assert_eq!(post(&start(small()), AUDITS, &body).status, 400);
    let lenient =
        ServiceBehavior { null_is_absent: true, accepts_whole_floats: true, ..ServiceBehavior::default() };
    assert_eq!(post(&start(behavior(lenient)), AUDITS, &body).status, 200);
}

#[test]
fn a_limit_like_a_gateways_counts_what_it_refuses() {
    let rate_limit = "3/10s,count-refused,no-retry-after,headers".parse().ok();
    let (running, clock) = start_with_clock(SimulatorOptions { rate_limit, ..small() });
    let ask = || post(&running, AUDITS, &json!({}));
    let first = ask();
    assert_eq!((first.status, first.header("RateLimit-Remaining")), (200, Some("2")));
    assert_eq!((ask().status, ask().status), (200, 200));
    for _ in 0..10 {
        clock.advance(Duration::from_secs(3));
        let refused = ask();
        assert_eq!(
            (refused.status, refused.header("Retry-After")),
            (429, None),
            "whoever keeps asking is kept out"
        );
        assert_eq!(refused.header("RateLimit-Limit"), Some("3"));
    }
    clock.advance(Duration::from_secs(10));
    assert_eq!(ask().status, 200);

    let rate_limit = "1,no-headers,no-retry-after".parse().ok();
    let (running, _) = start_with_clock(SimulatorOptions { rate_limit, ..small() });
    post(&running, AUDITS, &json!({}));
    let refused = post(&running, AUDITS, &json!({}));
    assert_eq!((refused.status, refused.header("RateLimit-Reset")), (429, None));
}

#[test]
fn the_rate_limit_is_enforced_over_a_sliding_minute() {
    let limit = RateLimit::new(3, 5);
    let (running, clock) = start_with_clock(SimulatorOptions { rate_limit: Some(limit), ..small() });
    let ask = || post(&running, AUDITS, &json!({}));
    for _ in 0..3 {
        assert_eq!(ask().status, 200);
        clock.advance(Duration::from_secs(10));
    }
    let refused = ask();
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("Retry-After"), Some("30"));
    assert_eq!(refused.header("RateLimit-Limit"), Some("3"));
    assert_eq!(refused.header("RateLimit-Remaining"), Some("0"));
    clock.advance(Duration::from_secs(30));
    assert_eq!(ask().status, 200);
    clock.advance(Duration::from_secs(60));
    assert_eq!(ask().status, 200);
    assert_eq!(ask().header("RateLimit-Limit"), Some("5"));
    let report = running.report();
    assert_eq!((report.most_in_a_minute, report.most_in_an_hour), (4, 7));
    assert_eq!(report.answers[&429], 2);
}

#[test]
fn latency_passes_on_the_clock() {
    let latency = Latency { fixed: Duration::from_millis(300), jitter: Duration::from_millis(100) };
    let (running, clock) = start_with_clock(SimulatorOptions { latency, ..small() });
    for _ in 0..10 {
        post(&running, AUDITS, &json!({}));
    }
    use opev::clock::Clock;
    let passed = clock.elapsed();
    assert!((Duration::from_secs(3)..=Duration::from_secs(4)).contains(&passed), "{passed:?}");
}

#[test]
fn statuses_carry_their_headers_and_bodies() {
    let running = with_fault("status=503,retry-after=date:30,ratelimit@2");
    assert_eq!(post(&running, AUDITS, &json!({})).status, 200);
    let refused = post(&running, AUDITS, &json!({}));
    assert_eq!((refused.status, refused.header("Retry-After")), (503, Some("Fri, 20 Nov 2026 12:00:30 GMT")));
    assert_eq!(refused.header("Ratelimit-Remaining"), Some("0"));
    assert_eq!(post(&running, AUDITS, &json!({})).status, 200);
    assert_eq!(running.report().faults, 1);

    let html = post(&with_fault("status=502,body=html"), AUDITS, &json!({}));
    assert!(
        html.header("Content-Type").unwrap().starts_with("text/html") && html.body.starts_with(b"<!DOCTYPE")
    );
    assert!(post(&with_fault("status=500,body=empty"), AUDITS, &json!({})).body.is_empty());
    let moved = post(&with_fault("redirect=http://127.0.0.1:9/x,code=307"), AUDITS, &json!({}));
    assert_eq!((moved.status, moved.header("Location")), (307, Some("http://127.0.0.1:9/x")));
}

#[test]
fn connections_end_where_they_are_cut() {
    let cut = |at: &str| post(&with_fault(&format!("cut={at}")), AUDITS, &since(30, 50));
    let before = cut("before");
    assert!(before.head.is_empty() && before.body.is_empty());
    let in_head = cut("in-head");
    assert!(in_head.head.starts_with("HTTP/1.1 200") && !in_head.head.ends_with("\r\n\r\n"));
    let after = cut("after-head");
    assert!(after.body.is_empty() && after.length().unwrap() > 0);
    let in_body = cut("in-body");
    assert_eq!(in_body.body.len(), in_body.length().unwrap() / 2);
    let unframed = cut("unframed");
    assert!(unframed.length().is_none() && !unframed.body.is_empty());
    assert!(serde_json::from_slice::<Value>(&unframed.body).is_err());
}

#[test]
fn contents_are_spoiled_as_said() {
    let spoiled = |fault: &str| post(&with_fault(fault), AUDITS, &since(30, 5));
    let whole = spoiled("hang@99");
    let half = spoiled("cut-json");
    assert_eq!(half.length(), Some(half.body.len()));
    assert!(whole.body.starts_with(&half.body) && half.body.len() < whole.body.len());
    assert!(serde_json::from_slice::<Value>(&spoiled("bad-json").body).is_err());
    let broken = spoiled("bad-utf8").body;
    assert!(std::str::from_utf8(&broken).is_err());
    assert_eq!(serde_json::from_str::<Page>(&String::from_utf8_lossy(&broken)).unwrap().raw().len(), 5);
    let html = spoiled("html");
    assert_eq!((html.status, html.body.starts_with(b"<!DOCTYPE")), (200, true));
    let bomb = spoiled("gzip-bomb=64");
    assert_eq!(bomb.header("Content-Encoding"), Some("gzip"));
    let mut grown = flate2::read::GzDecoder::new(&bomb.body[..]).take(64 << 20);
    assert_eq!(std::io::copy(&mut grown, &mut std::io::sink()).unwrap(), 64 << 20);
    assert!(bomb.body.len() < 1 << 20);
}

#[test]
fn drips_and_delays_pass_on_the_clock_and_lose_nothing() {
    use opev::clock::Clock;
    for (fault, least) in [("drip=10ms,bytes=100", 100), ("delay=2s", 2000)] {
        let script = FaultScript::from(fault.parse::<FaultRule>().unwrap());
        let (running, clock) = start_with_clock(SimulatorOptions { script, ..small() });
        assert_eq!(post(&running, AUDITS, &since(30, 5)).page().raw().len(), 5);
        assert!(clock.elapsed() >= Duration::from_millis(least), "{fault}");
    }
}

#[test]
fn no_page_fault_hides_an_event_for_good() {
    for fault in ["empty@2", "empty@1", "null-items@every:3", "repeat=3@2", "short@every:2", "grow@2"] {
        let running = with_fault(fault);
        let truth = truth(&running, AUDITS);
        let mut page = post(&running, AUDITS, &since(31, 20)).page();
        let mut items = page.raw();
        let mut ends = 0;
        while page.has_more || ends < 1 {
            ends += u32::from(!page.has_more);
            page = post(&running, AUDITS, &cursor(&page)).page();
            items.extend(page.raw());
        }
        if fault.starts_with("repeat") {
            assert_eq!(items[17..20], items[20..23], "the last three came again");
            items.drain(20..23);
        }
        assert_eq!(items, truth, "{fault}");
    }
}

#[test]
fn a_stuck_cursor_stays_and_empty_pages_go_on() {
    let stuck = with_fault("stuck@always");
    let first = post(&stuck, AUDITS, &since(30, 5)).page();
    let second = post(&stuck, AUDITS, &cursor(&first)).page();
    assert!(second.has_more && second.cursor == first.cursor && second.raw() == first.raw());
    let empty = with_fault("empty@always");
    let first = post(&empty, AUDITS, &since(30, 5)).page();
    let second = post(&empty, AUDITS, &cursor(&first)).page();
    assert!(second.has_more && second.cursor != first.cursor && second.raw().is_empty());
    let null = post(&with_fault("null-items"), AUDITS, &since(30, 5)).page();
    assert!(null.items.is_none() && null.has_more);
    let refused = with_fault("refuse-cursor@always");
    let first = post(&refused, AUDITS, &since(30, 5)).page();
    assert_eq!(post(&refused, AUDITS, &cursor(&first)).status, 400);
    assert_eq!(refused.report().broken, [], "the client did nothing wrong");
}

#[test]
fn two_requests_at_once_are_noticed_and_a_hanging_one_does_not_hold_up_the_end() {
    let rules = [FaultRule::new(Fault::Hang).on(2)];
    let running = start(SimulatorOptions { script: FaultScript::new(rules), one_at_a_time: true, ..small() });
    let page = post(&running, AUDITS, &since(30, 5)).page();
    let body = cursor(&page).to_string();
    let mut hanging = TcpStream::connect(("127.0.0.1", running.port())).unwrap();
    let token = running.token().expose();
    let head = format!(
        "POST /api/v2/auditevents HTTP/1.1\r\nAuthorization: Bearer {token}\r\nUser-Agent: x\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    hanging.write_all(head.as_bytes()).unwrap();
    while running.report().requests < 2 {
        std::thread::yield_now();
    }
    assert_eq!(post(&running, AUDITS, &cursor(&page)).page().raw().len(), 5);
    let report = running.report();
    let rules: Vec<ClientRule> = report.broken.iter().map(|broken| broken.rule).collect();
    assert_eq!(rules, [ClientRule::CursorOnce, ClientRule::OneAtATime]);
    assert_eq!(report.most_under_way, [0, 0, 2]);
    drop(running);
    assert_eq!(hanging.read(&mut [0; 16]).unwrap(), 0);
}

#[test]
fn a_connection_is_kept_alive_until_the_simulator_stops() {
    let running = start(small());
    let mut connection = TcpStream::connect(("127.0.0.1", running.port())).unwrap();
    for _ in 0..3 {
        connection.write_all(b"GET /nowhere HTTP/1.1\r\n\r\n").unwrap();
        let mut text = Vec::new();
        while !text.ends_with(b"}") {
            let mut byte = [0];
            connection.read_exact(&mut byte).unwrap();
            text.push(byte[0]);
        }
    }
    assert_eq!((running.report().connections, running.report().requests), (1, 3));
    drop(running);
    assert_eq!(connection.read(&mut [0; 16]).unwrap(), 0);
}

#[test]
fn there_are_no_more_connections_than_allowed() {
    let running = start(SimulatorOptions { connections: 1, ..small() });
    let mut idle = TcpStream::connect(("127.0.0.1", running.port())).unwrap();
    idle.write_all(b"GET /nowhere HTTP/1.1\r\n\r\n").unwrap();
    idle.read_exact(&mut [0; 12]).unwrap();
    let refused = exchange(&running, "");
    assert_eq!(refused.status, 503);
}

#[test]
fn the_token_is_in_no_debug_text() {
    let running = start(small());
    post(&running, AUDITS, &json!({}));
    assert!(!format!("{running:?}").contains(running.token().expose()));
}

#[test]
fn gzip_is_sent_to_those_who_take_it() {
    let running = start(SimulatorOptions { gzip: true, ..small() });
    let body = since(30, 50).to_string();
    let zipped = request(&running, "POST", "/api/v2/auditevents", "Accept-Encoding: gzip\r\n", &body);
    assert_eq!(zipped.header("Content-Encoding"), Some("gzip"));
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(&zipped.body[..]).read_to_end(&mut plain).unwrap();
    assert_eq!(plain, post(&running, AUDITS, &since(30, 50)).body);
}

#[test]
fn v3_pages_by_token_on_insertion_time() {
    let running = start(small());
    let start = (noon() - TimeDelta::days(31)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let mut path = format!("/api/v3/auditevents?max_page_size=40&start_time={start}");
    let mut uuids = Vec::new();
    loop {
        let page = get(&running, &path).json();
        uuids.extend(
            page["audit_events"].as_array().unwrap().iter().map(|e| e["uuid"].as_str().unwrap().to_owned()),
        );
        let Some(token) = page["next_page_token"].as_str() else { break };
        path = format!("/api/v3/auditevents?page_token={}", token.replace('+', "%2B").replace('=', "%3D"));
    }
    let truth: Vec<String> = running.truth(AUDITS, ApiForm::V3, ..).map(|fact| fact.uuid).collect();
    assert_eq!(uuids, truth);
    let arrival = running.truth(AUDITS, ApiForm::V3, ..).next().unwrap().arrival.to_rfc3339();
    let at = arrival.replace('+', "%2B");
    let after = get(&running, &format!("/api/v3/auditevents?max_page_size=1&start_time={at}")).json();
    assert_eq!(after["audit_events"][0]["uuid"], truth[1], "the start is exclusive");
    assert_eq!(get(&running, "/api/v3/auditevents?max_page_size=1001").status, 400);
    assert_eq!(get(&running, &format!("{path}&start_time={start}")).status, 400);
}

#[test]
fn files_are_served_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [
        r#"{"uuid":"A","timestamp":"2020-06-11T16:32:50-03:00","n":18446744073709551616123,"n":1e400}"#,
        r#"{ "timestamp" : "2020-06-11T16:32:50-03:00", "uuid:" : "typo" , "s":"\ud800 \/ é" }"#,
        r#"{"uuid":"C","timestamp":null}"#,
    ];
    let path = folder.path().join("grove_audit.ndjson");
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(&path).unwrap();
    file.write_all(lines.join("\n").as_bytes()).unwrap();
    let running =
        start(SimulatorOptions { data: EventData::Files(vec![path]), ..SimulatorOptions::default() });
    let all = walk(&running, AUDITS, &json!({"limit": 2, "start_time": "2020-01-01T00:00:00Z"}));
    assert_eq!(all, lines.map(|line| line.trim().as_bytes().to_vec()));
    let recent = walk(&running, AUDITS, &json!({}));
    assert_eq!(recent, [lines[2].as_bytes()], "only what has no time is in the last hour");
    let v1 = request(&running, "POST", "/api/v1/auditevents", "", r#"{"start_time":"2020-01-01T00:00:00Z"}"#);
    assert_eq!(v1.page().raw().len(), 3);
}

#[test]
fn standing_still_means_no_new_events() {
    let (running, clock) = start_with_clock(SimulatorOptions { at: Some(noon()), ..small() });
    let before = truth(&running, USAGES);
    clock.advance(Duration::from_secs(30 * 86_400));
    assert_eq!(truth(&running, USAGES), before);
}
