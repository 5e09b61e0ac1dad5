//! The client against servers that fail in every way there is: what may pass is asked again, what will not
//! has its kind and its hint, and the token goes nowhere else (P1, P9, P10).

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::DateTime;
use opev::api::client::{Client, ClientConfig, TokenReload};
use opev::api::endpoint::{ApiVersion, BaseUrl, PageRequest};
use opev::api::http::{Http, HttpConfig};
use opev::api::limiter::Limiter;
use opev::api::permits::Permits;
use opev::api::proxy::{Proxy, ProxyVariables, resolve};
use opev::api::retry::RetryPolicy;
use opev::cancel::Cancel;
use opev::clock::{Clock, ManualClock, RealClock};
use opev::error::{Error, ErrorKind};
use opev::event::Stream;
use opev::page::{Cursor, Next};
use opev::sanitize::message;
use opev::secret::Secret;

use crate::scripted::{Act, Scripted, answer, nobody, read_request};

const PAGE: &str = r#"{"cursor":"c\/1","has_more":true,"items":[{"uuid":"A","n":1e400}]}"#;
const TOKEN: &str = "sentinel-of-a-token";

struct Setting {
    clock: Arc<ManualClock>,
    cancel: Cancel,
    http: HttpConfig,
    policy: RetryPolicy,
    version: ApiVersion,
    token: String,
    reload: Option<TokenReload>,
    proxy: Option<Proxy>,
}

impl Default for Setting {
    fn default() -> Self {
        Setting {
            clock: Arc::new(ManualClock::at(DateTime::UNIX_EPOCH)),
            cancel: Cancel::new(),
            http: HttpConfig { timeout: Duration::from_secs(20), ..HttpConfig::default() },
            policy: RetryPolicy { budget: Duration::from_secs(120), deadline: None },
            version: ApiVersion::V2,
            token: TOKEN.to_owned(),
            reload: None,
            proxy: None,
        }
    }
}

impl Setting {
    fn client(self, server: impl ToString) -> Client {
        let limiter = Limiter::new(600, self.clock.clone());
        Client::new(ClientConfig {
            trusts_clock: true,
            server: server.to_string().parse().unwrap(),
            version: self.version,
            token: Secret::new(self.token),
            reload: self.reload,
            proxy: self.proxy,
            http: Http::new(self.http),
            limiter,
            permits: Permits::new(4),
            policy: self.policy,
            observer: None,
            clock: self.clock,
            cancel: self.cancel,
        })
    }
}

fn first() -> PageRequest {
    PageRequest::First { limit: 1000, since: None, until: None }
}

/// Asks a server that misbehaves once and then answers; the second answer must come out.
fn recovers(fault: impl Fn() -> Act + Send + 'static) -> Vec<String> {
    let server =
        Scripted::start(move |number| if number == 0 { fault() } else { answer("200 OK", "", PAGE) });
    let setting = Setting {
        http: HttpConfig { max_response_bytes: 100_000, ..HttpConfig::default() },
        ..Setting::default()
    };
    let page = setting.client(server.address).page(Stream::AuditEvents, &first()).unwrap();
    assert_eq!(page.len(), 1);
    assert_eq!(server.requests().len(), 2);
    server.requests()
}

/// Asks a server that always misbehaves; gives the failure and the number of requests.
fn fails(setting: Setting, fault: impl Fn() -> Act + Send + 'static) -> (Error, usize) {
    let server = Scripted::start(move |_| fault());
    let failure = setting.client(server.address).page(Stream::AuditEvents, &first()).unwrap_err();
    let text = format!("{failure} {failure:?}");
    assert!(!text.contains(TOKEN), "{text}");
    assert!(failure.advice().is_some(), "{text}");
    assert_eq!(failure.stream(), Some(Stream::AuditEvents));
    (failure, server.requests().len())
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_page_is_asked_for_as_the_api_wants_it() {
    let server = Scripted::start(|_| answer("200 OK", "", PAGE));
    let client = Setting::default().client(server.address);
    let page = client.page(Stream::ItemUsages, &first()).unwrap();
    assert_eq!(page.event_at(0).raw, br#"{"uuid":"A","n":1e400}"#);
    assert_eq!((page.stream, &page.next), (Stream::ItemUsages, &Next::More(Cursor::new("c/1"))));
    client.page(Stream::ItemUsages, &PageRequest::Cursor(Cursor::new("c/1"))).unwrap();
    let requests = server.requests();
    let lower = requests[0].to_ascii_lowercase();
    assert!(requests[0].starts_with("POST /api/v2/itemusages HTTP/1.1\r\n"), "{}", requests[0]);
    assert!(lower.contains(&format!("\r\nauthorization: bearer {TOKEN}\r\n")));
    assert!(lower.contains("\r\ncontent-type: application/json\r\n"));
    assert!(lower.contains(concat!("\r\nuser-agent: opev/", env!("CARGO_PKG_VERSION"), "\r\n")));
    assert!(lower.contains("\r\naccept-encoding: gzip\r\n"));
    assert!(requests[0].ends_with("\r\n\r\n{\"limit\":1000}"), "{}", requests[0]);
    assert!(requests[1].ends_with("\r\n\r\n{\"cursor\":\"c/1\"}"), "{}", requests[1]);
}

#[test]
fn v3_is_asked_by_get_and_has_audit_events_only() {
    let server = Scripted::start(|_| answer("200 OK", "", r#"{"audit_events":[{}],"next_page_token":"t+"}"#));
    let client = Setting { version: ApiVersion::V3, ..Setting::default() }.client(server.address);
    let page = client.page(Stream::AuditEvents, &first()).unwrap();
    client.page(Stream::AuditEvents, &PageRequest::Cursor(page.next.cursor().unwrap().clone())).unwrap();
    assert!(server.requests()[0].starts_with("GET /api/v3/auditevents?max_page_size=1000 HTTP/1.1\r\n"));
    assert!(server.requests()[1].starts_with("GET /api/v3/auditevents?page_token=t%2B HTTP/1.1\r\n"));
    assert_eq!(client.page(Stream::ItemUsages, &first()).unwrap_err().kind(), ErrorKind::Usage);
}

#[test]
fn v3_takes_the_older_names_of_parameters_where_the_newer_ones_are_refused() {
    let page = r#"{"audit_events":[{}],"next_page_token":"t"}"#;
    let server = Scripted::start(move |number| match number {
        1 | 2 => answer("200 OK", "", page),
        _ => answer("400 Bad Request", "", r#"{"message":"no such parameter"}"#),
    });
    let client = Setting { version: ApiVersion::V3, ..Setting::default() }.client(server.address);
    let first = PageRequest::First { limit: 7, since: None, until: None };
    let page = client.page(Stream::AuditEvents, &first).unwrap();
    client.page(Stream::AuditEvents, &PageRequest::Cursor(page.next.cursor().unwrap().clone())).unwrap();
    let asked = |range: std::ops::Range<usize>| {
        let query = |request: &String| request.split(['?', ' ']).nth(2).unwrap().to_owned();
        server.requests()[range].iter().map(query).collect::<Vec<_>>()
    };
    assert_eq!(asked(0..3), ["max_page_size=7", "page_size=7", "next_page_token=t"]);
    // Where both are refused, what is told is the refusal of the newer ones; a known service is not tried twice.
    let refused = PageRequest::Cursor(Cursor::new("refused"));
    assert_eq!(client.page(Stream::AuditEvents, &refused).unwrap_err().kind(), ErrorKind::BadRequest);
    assert_eq!(asked(3..server.requests().len()), ["next_page_token=refused"]);
    let other = Setting { version: ApiVersion::V3, ..Setting::default() }.client(server.address);
    assert_eq!(other.page(Stream::AuditEvents, &refused).unwrap_err().kind(), ErrorKind::BadRequest);
    assert_eq!(asked(4..server.requests().len()), ["page_token=refused", "next_page_token=refused"]);
}

#[test]
fn what_passes_is_asked_again() {
    let whole = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{PAGE}", PAGE.len());
    for cut in [0, 5, 17, 30, whole.len() - PAGE.len(), whole.len() - 10, whole.len() - 1] {
        let bytes = whole.as_bytes()[..cut].to_vec();
        recovers(move || Act::Send(bytes.clone()));
    }
    recovers(|| Act::Blurt(Vec::new()));
    // Without a length, only the JSON itself tells that it was cut.
    recovers(|| Act::Send(format!("HTTP/1.1 200 OK\r\n\r\n{}", &PAGE[..40]).into_bytes()));
    recovers(|| Act::Send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"cur\r\n".to_vec()));
    recovers(|| Act::Send(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()));
    recovers(|| answer("200 OK", "", "{broken"));
    recovers(|| answer("200 OK", "", "{}"));
    recovers(|| answer("200 OK", "Content-Type: text/html\r\n", "<html>sign in to the wifi</html>"));
    recovers(|| answer("204 No Content", "", ""));
    recovers(|| answer("200 OK", "Content-Encoding: gzip\r\n", "no gzip"));
    recovers(|| answer("200 OK", "Content-Encoding: gzip\r\n", &gzipped(PAGE.as_bytes())[..30]));
    recovers(|| answer("200 OK", "Content-Encoding: gzip\r\n", gzipped(&vec![b' '; 10_000_000])));
    for status in ["429 Too Many Requests", "500 Oops", "502 Bad Gateway", "503 Unavailable", "504 Timeout"] {
        recovers(move || answer(status, "", "<html>"));
    }
}

#[test]
fn a_hanging_server_is_given_up_in_time_and_asked_again() {
    for said in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"] {
        let server =
            Scripted::start(
                move |number| {
                    if number == 0 { Act::Hang(said.into()) } else { answer("200 OK", "", PAGE) }
                },
            );
        let http = HttpConfig { timeout: Duration::from_millis(300), ..HttpConfig::default() };
        let client = Setting { http, ..Setting::default() }.client(server.address);
        assert_eq!(client.page(Stream::AuditEvents, &first()).unwrap().len(), 1, "{said}");
    }
}

#[test]
fn gzip_and_bytes_that_are_not_utf8_are_read() {
    let body = b"{\"cursor\":\"c\",\"has_more\":false,\"items\":[{\"name\":\"\xff\xfe\"},{}]}";
    let server = Scripted::start(|_| answer("200 OK", "Content-Encoding: gzip\r\n", gzipped(body)));
    let page = Setting::default().client(server.address).page(Stream::SignInAttempts, &first()).unwrap();
    assert_eq!(page.event_at(0).raw, b"{\"name\":\"\xff\xfe\"}");
    assert_eq!((page.len(), page.next), (2, Next::CaughtUp(Some(Cursor::new("c")))));
}

#[test]
fn a_coding_is_read_in_any_case_and_one_that_was_not_asked_for_is_named() {
    let padded = [gzipped(PAGE.as_bytes()), vec![0; 700]].concat();
    for coding in ["GZIP", "x-gzip", "gzip, identity"] {
        let (coding, padded) = (format!("Content-Encoding: {coding}\r\n"), padded.clone());
        let server = Scripted::start(move |_| answer("200 OK", &coding, &padded));
        let page = Setting::default().client(server.address).page(Stream::AuditEvents, &first());
        assert_eq!(page.unwrap().len(), 1);
    }
    let (failure, _) =
        fails(Setting::default(), || answer("200 OK", "Content-Encoding: br\r\n", "\u{1}\u{2}"));
    assert_eq!(failure.kind(), ErrorKind::Service);
    assert!(failure.to_string().contains("Content-Encoding) is br"), "{failure}");
}

#[test]
fn an_answer_without_the_list_is_never_caught_up_and_an_error_with_200_is_quoted() {
    for body in [r#"{"cursor":"c","has_more":false}"#, r#"{"Error":{"Message":"maintenance"}}"#] {
        let (failure, _) = fails(Setting::default(), move || answer("200 OK", "", body));
        assert_eq!(failure.kind(), ErrorKind::Service);
        let words = if body.contains("Error") { "status 200: maintenance" } else { "\"items\" is not in it" };
        assert!(failure.to_string().contains(words), "{failure}");
    }
    recovers(|| answer("200 OK", "", r#"{"cursor":"c","has_more":false}"#));
}

#[test]
fn a_page_of_far_more_events_than_were_asked_for_is_refused() {
    let page = |count: usize| format!(r#"{{"items":[{}],"has_more":false}}"#, vec!["{}"; count].join(","));
    let server =
        Scripted::start(move |number| answer("200 OK", "", page(if number == 0 { 1_041 } else { 5_000 })));
    let client = Setting::default().client(server.address);
    let few = PageRequest::First { limit: 10, since: None, until: None };
    assert_eq!(
        client.page(Stream::AuditEvents, &PageRequest::Cursor(Cursor::new("c"))).unwrap().len(),
        1_041
    );
    assert_eq!(client.page(Stream::AuditEvents, &first()).unwrap().len(), 5_000);
    let policy = RetryPolicy { budget: Duration::ZERO, deadline: None };
    let client = Setting { policy, ..Setting::default() }.client(server.address);
    let failure = client.page(Stream::AuditEvents, &few).unwrap_err();
    assert!(failure.to_string().contains("far more events than were asked for"), "{failure}");
}

#[test]
fn a_dead_proxy_is_named_as_the_proxy() {
    let (server, dead): (BaseUrl, _) = ("events.1password.com".parse().unwrap(), nobody());
    let dead = &dead.address;
    let variables =
        ProxyVariables { https: Some(Secret::new(format!("http://{dead}"))), ..ProxyVariables::default() };
    let setting = Setting { proxy: resolve(&server, &variables).unwrap(), ..with_ca("ca.pem") };
    let failure = setting.client(server).page(Stream::AuditEvents, &first()).unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Network);
    assert!(failure.to_string().contains(&format!("no connection to the proxy {dead}")), "{failure}");
    assert!(failure.advice().unwrap().contains("HTTPS_PROXY"));
}

#[test]
fn the_kinds_of_a_407_are_told_apart() {
    for (offer, login, words) in [
        ("Basic realm=\"x\"", "", "asks for a user name"),
        ("Basic realm=\"x\"", "me:pw@", "refused the user name"),
        ("NTLM", "me:pw@", "only NTLM or Negotiate"),
    ] {
        let headers = format!("Proxy-Authenticate: {offer}\r\n");
        let proxy = Scripted::start(move |_| answer("407 Who Are You", &headers, ""));
        let server: BaseUrl = "events.1password.com".parse().unwrap();
        let https = Some(Secret::new(format!("http://{login}{}", proxy.address)));
        let variables = ProxyVariables { https, ..ProxyVariables::default() };
        let setting = Setting { proxy: resolve(&server, &variables).unwrap(), ..with_ca("ca.pem") };
        let failure = setting.client(server).page(Stream::AuditEvents, &first()).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Config);
        assert!(failure.to_string().contains(words), "{failure}");
        assert!(proxy.requests().iter().all(|request| !request.contains(TOKEN)));
    }
}

#[test]
fn a_certificate_for_another_name_has_a_hint_of_its_own_and_no_library_words() {
    let server = tls_server();
    let client = with_ca("ca.pem").client(format!("https://127.0.0.2:{}", server.port()));
    let failure = client.page(Stream::AuditEvents, &first()).unwrap_err();
    // Nothing listens there on some systems.
    if failure.kind() == ErrorKind::Tls {
        assert!(failure.to_string().contains("is for another name"), "{failure}");
        assert!(failure.advice().unwrap().contains("base URL"));
    }
}

#[test]
fn what_never_passes_ends_when_the_budget_is_spent() {
    let (failure, count) = fails(Setting::default(), || answer("503 Unavailable", "", "down\u{1b}"));
    assert_eq!(failure.kind(), ErrorKind::Service);
    assert!(failure.to_string().contains("answered 503: down\\u{1b}"), "{failure}");
    assert!((6..30).contains(&count), "{count}");

    let (failure, _) = fails(Setting::default(), || answer("200 OK", "", "<html>"));
    assert_eq!(failure.kind(), ErrorKind::Service);
    assert!(failure.to_string().contains("cannot be read"), "{failure}");

    let (failure, _) = fails(Setting::default(), || Act::Blurt(Vec::new()));
    assert_eq!(failure.kind(), ErrorKind::Network);

    let http = HttpConfig { max_response_bytes: 1000, ..HttpConfig::default() };
    let (failure, _) =
        fails(Setting { http, ..Setting::default() }, || answer("200 OK", "", vec![b' '; 1001]));
    assert_eq!(failure.kind(), ErrorKind::Service);
    assert!(failure.to_string().contains("longer than 1000 bytes"), "{failure}");
    assert!(failure.advice().unwrap().contains("--max-response-bytes"));

    let dead = nobody();
    let failure = Setting::default().client(dead.address).page(Stream::AuditEvents, &first()).unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Network);
}

#[test]
fn an_answer_of_just_the_longest_length_is_accepted() {
    let http = HttpConfig { max_response_bytes: PAGE.len() as u64, ..HttpConfig::default() };
    let server = Scripted::start(|_| answer("200 OK", "", PAGE));
    let client = Setting { http, ..Setting::default() }.client(server.address);
    assert_eq!(client.page(Stream::AuditEvents, &first()).unwrap().len(), 1);
}

#[test]
fn retry_after_is_obeyed_in_both_forms_and_ends_at_once_beyond_the_budget() {
    for headers in ["Retry-After: 60\r\n", "Retry-After: Thu, 01 Jan 1970 00:01:00 GMT\r\n"] {
        let server = Scripted::start(move |number| match number {
            0 => answer("429 Too Many Requests", headers, ""),
            _ => answer("200 OK", "", PAGE),
        });
        let setting = Setting::default();
        let clock = setting.clock.clone();
        setting.client(server.address).page(Stream::AuditEvents, &first()).unwrap();
        // Never earlier; a little later, so that clients do not all come back at once.
        let waited = Duration::from_secs(60)..=Duration::from_secs(65);
        assert!(waited.contains(&clock.elapsed()), "{headers}: {:?}", clock.elapsed());
    }
    let setting = Setting::default();
    let clock = setting.clock.clone();
    let (failure, count) = fails(setting, || answer("429 Too Many Requests", "Retry-After: 7200\r\n", ""));
    assert_eq!((failure.kind(), count, clock.elapsed()), (ErrorKind::Service, 1, Duration::ZERO));
    assert!(failure.to_string().contains("until 1970-01-01T02:00:00Z"), "{failure}");
    let (failure, count) =
        fails(Setting::default(), || answer("503 x", "Retry-After: 99999999999999999999\r\n", ""));
    assert_eq!((failure.kind(), count), (ErrorKind::Service, 1));
}

#[test]
fn the_deadline_of_the_run_ends_the_retries() {
    let policy = RetryPolicy { budget: Duration::from_secs(120), deadline: Some(Duration::from_secs(5)) };
    let setting = Setting { policy, ..Setting::default() };
    let clock = setting.clock.clone();
    let (failure, _) = fails(setting, || answer("500 x", "", ""));
    assert_eq!(failure.kind(), ErrorKind::Deadline);
    assert!(clock.elapsed() <= Duration::from_secs(5));
    let policy = RetryPolicy { budget: Duration::from_secs(120), deadline: Some(Duration::ZERO) };
    let (failure, count) = fails(Setting { policy, ..Setting::default() }, || answer("200 OK", "", PAGE));
    assert_eq!((failure.kind(), count), (ErrorKind::Deadline, 0));
}

#[test]
fn what_no_retry_mends_is_told_at_once() {
    for (status, kind) in [
        ("400 x", ErrorKind::BadRequest),
        ("403 x", ErrorKind::TokenRefused),
        ("404 x", ErrorKind::NotFound),
        ("413 x", ErrorKind::BadRequest),
    ] {
        let (failure, count) =
            fails(Setting::default(), move || answer(status, "", r#"{"Error":{"Message":"Words"}}"#));
        assert_eq!((failure.kind(), count), (kind, 1), "{status}");
        assert!(failure.to_string().ends_with(": Words"), "{failure}");
    }
}

#[test]
fn a_redirect_is_not_followed_and_the_token_not_sent_on() {
    let target = Scripted::start(|_| answer("200 OK", "", PAGE));
    for status in ["301 x", "302 x", "303 x", "307 x", "308 x"] {
        let location = format!("Location: http://{}/elsewhere\r\n", target.address);
        let (failure, count) = fails(Setting::default(), move || answer(status, &location, ""));
        assert_eq!((failure.kind(), count), (ErrorKind::Redirect, 1));
        assert!(failure.to_string().contains(&format!("redirects to {}", target.address)), "{failure}");
    }
    assert!(target.requests().is_empty());
}

#[test]
fn a_401_is_told_apart_by_one_introspection_for_all_streams() {
    let mut server = mockito::Server::new();
    let refuse = server
        .mock("POST", mockito::Matcher::Any)
        .with_status(401)
        .with_body(r#"{"status":401,"message":"Unauthorized"}"#)
        .expect(3)
        .create();
    let introspect = server
        .mock("GET", "/api/v2/auth/introspect")
        .with_body(r#"{"uuid":"I","issued_at":"2026-01-01T00:00:00Z","features":["auditevents"]}"#)
        .expect(1)
        .create();
    let client = Setting::default().client(server.url());
    let kinds = Stream::ALL.map(|stream| client.page(stream, &first()).unwrap_err().kind());
    assert_eq!(kinds, [ErrorKind::FeatureMissing, ErrorKind::FeatureMissing, ErrorKind::TokenRefused]);
    refuse.assert();
    introspect.assert();
}

#[test]
fn a_401_to_everything_is_a_refused_token() {
    let (failure, count) =
        fails(Setting::default(), || answer("401 x", "", r#"{"Error":{"Message":"Unauthorized"}}"#));
    assert_eq!((failure.kind(), count), (ErrorKind::TokenRefused, 2));
    assert!(failure.to_string().contains("Unauthorized"), "{failure}");
}

#[test]
fn a_rotated_token_is_read_once_more_after_a_success_and_not_before() {
    let reload = |texts: &'static [&'static str]| -> (Arc<AtomicUsize>, TokenReload) {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let reload = move |_: &Secret| Ok(Some(Secret::new(texts[counted.fetch_add(1, Ordering::SeqCst)])));
        (count, Box::new(reload))
    };
    let page = |client: &Client| client.page(Stream::AuditEvents, &first()).map(|page| page.len());

    let (count, source) = reload(&["new"]);
    let server = Scripted::start(|number| match number {
        1 => answer("401 x", "", ""),
        _ => answer("200 OK", "", PAGE),
    });
    let client = Setting { reload: Some(source), ..Setting::default() }.client(server.address);
    assert_eq!(page(&client).unwrap(), 1);
    assert_eq!(page(&client).unwrap(), 1);
    assert_eq!(count.load(Ordering::SeqCst), 1);
    assert!(server.requests()[2].to_ascii_lowercase().contains("authorization: bearer new\r\n"));

    let (count, source) = reload(&["new"]);
    let server = Scripted::start(|_| answer("401 x", "", ""));
    let client = Setting { reload: Some(source), ..Setting::default() }.client(server.address);
    assert_eq!(page(&client).unwrap_err().kind(), ErrorKind::TokenRefused);
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

/// A text that holds a token is shown without it as long as anybody has that token: so it is seen that nobody has.
#[test]
fn after_a_reload_the_old_token_is_sent_no_more_and_is_kept_nowhere() {
    const OLD: &str = "7f3a9-what-was-there-first";
    const NEW: &str = "b81c2-that-came-instead-of-it";
    let source: TokenReload = Box::new(|_| Ok(Some(Secret::new(NEW))));
    let server = Scripted::start(|number| match number {
        1 | 5 => answer("401 x", "", ""),
        3 => answer(
            "200 OK",
            "",
            r#"{"UUID":"I","IssuedAt":"2026-01-01T00:00:00Z","Features":["itemusages"]}"#,
        ),
        _ => answer("200 OK", "", PAGE),
    });
    let client = Setting { token: OLD.to_owned(), reload: Some(source), ..Setting::default() };
    let client = client.client(server.address);
    client.page(Stream::AuditEvents, &first()).unwrap();
    assert!(!message(OLD).contains(OLD));
    // Refused, read again, and asked again with the new one; then an introspection and a page.
    client.page(Stream::AuditEvents, &first()).unwrap();
    client.introspect().unwrap();
    client.page(Stream::ItemUsages, &first()).unwrap();
    // The source holds no other one: what is in use is refused for good, and the old one is not tried.
    assert_eq!(client.page(Stream::ItemUsages, &first()).unwrap_err().kind(), ErrorKind::TokenRefused);
    let carries = |token: &str| {
        let requests = server.requests();
        let sent = requests.iter().map(|request| request.to_ascii_lowercase());
        sent.map(|request| request.contains(&format!("authorization: bearer {token}\r\n")))
            .collect::<Vec<_>>()
    };
    let old = carries(OLD);
    assert_eq!((&old[..2], old[2..].contains(&true)), (&[true, true][..], false));
    assert!(carries(NEW)[2..].iter().all(|carries| *carries));
    assert_eq!(message(OLD), OLD, "somebody has it still");
    assert!(!message(NEW).contains(NEW) && client.token_in_use() == Secret::new(NEW));
}

#[test]
fn introspection_is_read_and_retried() {
    let server = Scripted::start(|number| match number {
        0 => answer("500 x", "", ""),
        _ => answer(
            "200 OK",
            "",
            r#"{"UUID":"I","IssuedAt":"2026-01-01T00:00:00Z","Features":["itemusages"]}"#,
        ),
    });
    let client = Setting { version: ApiVersion::V1, ..Setting::default() }.client(server.address);
    assert_eq!(client.introspect().unwrap().streams(), [Stream::ItemUsages]);
    assert!(server.requests()[1].starts_with("GET /api/auth/introspect HTTP/1.1\r\n"));
}

#[test]
fn connections_are_kept_and_used_again() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut stream = stream.unwrap();
            while !read_request(&mut stream).is_empty() {
                let body = gzipped(PAGE.as_bytes());
                let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n";
                let chunk = format!("{:x}\r\n", body.len());
                let bytes = [head.as_bytes(), chunk.as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
                stream.write_all(&bytes).unwrap();
            }
        }
    });
    let client = Setting::default().client(address);
    for _ in 0..5 {
        client.page(Stream::AuditEvents, &first()).unwrap();
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[test]
fn a_proxy_sees_the_host_and_its_own_password_but_never_the_token() {
    for (reply, kind) in
        [("407 Proxy Authentication Required", ErrorKind::Config), ("502 Bad", ErrorKind::Network)]
    {
        let proxy = Scripted::start(move |_| answer(reply, "", ""));
        let server: BaseUrl = "events.1password.com".parse().unwrap();
        let url = format!("http://me:p%3Aw@{}", proxy.address);
        let environment = ProxyVariables { https: Some(Secret::new(url)), ..ProxyVariables::default() };
        let setting = Setting { proxy: resolve(&server, &environment).unwrap(), ..with_ca("ca.pem") };
        let failure = setting.client(server).page(Stream::AuditEvents, &first()).unwrap_err();
        assert_eq!(failure.kind(), kind, "{failure}");
        assert!(!format!("{failure:?}").contains("p:w"));
        let request = &proxy.requests()[0];
        assert!(request.starts_with("CONNECT events.1password.com:443 HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("Proxy-Authorization: Basic bWU6cDp3\r\n"), "{request}");
        assert!(!request.contains(TOKEN), "{request}");
    }
}

#[test]
fn a_cancelled_request_is_cut_short() {
    let server = Scripted::start(|_| Act::Hang(Vec::new()));
    let cancel = Cancel::new();
    let http = Http::new(HttpConfig::default());
    http.shut_down_on(&cancel).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(RealClock::new());
    let client = Client::new(ClientConfig {
        trusts_clock: true,
        server: server.address.to_string().parse().unwrap(),
        version: ApiVersion::V2,
        token: Secret::new(TOKEN),
        reload: None,
        proxy: None,
        http,
        limiter: Limiter::new(600, clock.clone()),
        permits: Permits::new(1),
        policy: RetryPolicy { budget: Duration::from_secs(120), deadline: None },
        observer: None,
        clock,
        cancel: cancel.clone(),
    });
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| client.page(Stream::AuditEvents, &first()).unwrap_err().kind());
        while server.requests().is_empty() {
            std::thread::yield_now();
        }
        cancel.trigger(15);
        assert_eq!(worker.join().unwrap(), ErrorKind::Interrupted(15));
    });
}

/// A server that speaks TLS with the test certificate; it answers every request with a page.
pub(crate) fn tls_server() -> std::net::SocketAddr {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};

    let certificate = CertificateDer::from_pem_file(fixture("cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(fixture("key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let (config, listener) = (Arc::new(config), std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for tcp in listener.incoming() {
            let connection = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, tcp.unwrap());
            if read_request(&mut stream).is_empty() {
                continue;
            }
            if let Act::Send(bytes) = answer("200 OK", "", PAGE) {
                let _ = stream.write_all(&bytes);
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    address
}

pub(crate) fn fixture(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/fixtures/tls", name].iter().collect()
}

fn with_ca(name: &str) -> Setting {
    let http = HttpConfig { ca_file: Some(fixture(name)), ..HttpConfig::default() };
    Setting { http, ..Setting::default() }
}

#[test]
fn tls_is_verified_and_a_ca_file_adds_a_root() {
    let server = tls_server();
    let client = with_ca("ca.pem").client(format!("https://localhost:{}", server.port()));
    assert_eq!(client.page(Stream::AuditEvents, &first()).unwrap().len(), 1);

    let setting = with_ca("other-ca.pem");
    let clock = setting.clock.clone();
    let client = setting.client(format!("https://localhost:{}", server.port()));
    let failure = client.page(Stream::AuditEvents, &first()).unwrap_err();
    assert_eq!((failure.kind(), clock.elapsed()), (ErrorKind::Tls, Duration::ZERO), "{failure}");
    assert!(failure.advice().unwrap().contains("--ca-file"));
}

#[test]
fn a_server_that_does_not_speak_tls_is_a_tls_failure() {
    let server = Scripted::start(|_| Act::Blurt(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()));
    let client = with_ca("ca.pem").client(format!("https://127.0.0.1:{}", server.address.port()));
    let failure = client.page(Stream::AuditEvents, &first()).unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Tls, "{failure}");
    assert!(failure.to_string().contains("does not speak TLS"), "{failure}");
}
