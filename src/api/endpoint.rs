//! The endpoints of the Events API, and the form of every request.
//!
//! Pure: paths, request bodies and queries for all versions, and the [`server`](crate::api::server) that they
//! go to. Sends nothing.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

pub use crate::api::server::{BadBaseUrl, BaseUrl, Region, UnknownRegion};
use crate::event::Stream;
use crate::page::Cursor;

/// A version of the API, chosen by `--api`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub enum ApiVersion {
    /// What 1Password's own collectors speak
    #[value(alias = "1")]
    V1,
    /// What 1Password recommends
    #[default]
    #[value(alias = "2")]
    V2,
    /// A beta, audit events only
    #[value(alias = "3")]
    V3,
}

/// The endpoints of streams; another one is another row.
const ENDPOINTS: [(ApiVersion, Stream, &str); 7] = [
    (ApiVersion::V1, Stream::SignInAttempts, "/api/v1/signinattempts"),
    (ApiVersion::V1, Stream::ItemUsages, "/api/v1/itemusages"),
    (ApiVersion::V1, Stream::AuditEvents, "/api/v1/auditevents"),
    (ApiVersion::V2, Stream::SignInAttempts, "/api/v2/signinattempts"),
    (ApiVersion::V2, Stream::ItemUsages, "/api/v2/itemusages"),
    (ApiVersion::V2, Stream::AuditEvents, "/api/v2/auditevents"),
    (ApiVersion::V3, Stream::AuditEvents, "/api/v3/auditevents"),
];

/// The names of v3's parameters, which have changed once during its beta.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryNames {
    /// Those of the beta of June 2026.
    Newer,
    /// Those of the beta of January 2026.
    Older,
}

impl QueryNames {
    fn page_size(self) -> &'static str {
        match self {
            QueryNames::Newer => "max_page_size",
            QueryNames::Older => "page_size",
        }
    }

    fn page_token(self) -> &'static str {
        match self {
            QueryNames::Newer => "page_token",
            QueryNames::Older => "next_page_token",
        }
    }
}

impl ApiVersion {
    /// Every version, oldest first.
    pub const ALL: [ApiVersion; 3] = [ApiVersion::V1, ApiVersion::V2, ApiVersion::V3];

    /// The version as it is written in paths and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            ApiVersion::V1 => "v1",
            ApiVersion::V2 => "v2",
            ApiVersion::V3 => "v3",
        }
    }

    /// The path of `stream`'s endpoint; none where this version does not have the stream.
    pub fn path(self, stream: Stream) -> Option<&'static str> {
        let endpoint = ENDPOINTS.iter().find(|endpoint| (endpoint.0, endpoint.1) == (self, stream));
        endpoint.map(|(.., path)| *path)
    }

    /// Whether this version has an endpoint for `stream`.
    pub fn serves(self, stream: Stream) -> bool {
        self.path(stream).is_some()
    }

    /// The path of the introspection; v3 has none of its own.
    pub fn introspect_path(self) -> &'static str {
        match self {
            ApiVersion::V1 => "/api/auth/introspect",
            ApiVersion::V2 | ApiVersion::V3 => "/api/v2/auth/introspect",
        }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no version of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownVersion;

impl fmt::Display for UnknownVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such version of the API; there are v1, v2 and v3")
    }
}

impl std::error::Error for UnknownVersion {}

impl FromStr for ApiVersion {
    type Err = UnknownVersion;

    /// Reads `v2`, `V2` or `2`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix(['v', 'V']).unwrap_or(text) {
            "1" => Ok(ApiVersion::V1),
            "2" => Ok(ApiVersion::V2),
            "3" => Ok(ApiVersion::V3),
            _ => Err(UnknownVersion),
        }
    }
}

/// A request for a page: a first one, or one by cursor. Never both at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageRequest {
    /// Starts somewhere in time (the API's "ResetCursor").
    First {
        /// How many events a page may hold at most, 1 to 1000; the cursors that follow carry it on.
        limit: u16,
        /// The start; without it the service goes back one hour.
        since: Option<DateTime<Utc>>,
        /// The end; without it there is none.
        until: Option<DateTime<Utc>>,
    },
    /// Goes on from where an answer ended.
    Cursor(Cursor),
}

impl PageRequest {
    /// The most events on a page; it is not known whether a cursor keeps it.
    pub fn limit(&self) -> u16 {
        match self {
            PageRequest::First { limit, .. } => *limit,
            PageRequest::Cursor(_) => 1_000,
        }
    }

    /// The body of a POST, for v1 and v2.
    pub fn body(&self) -> String {
        #[derive(Serialize)]
        struct ResetCursor {
            limit: u16,
            #[serde(skip_serializing_if = "Option::is_none")]
            start_time: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            end_time: Option<String>,
        }
        #[derive(Serialize)]
        struct Continue<'a> {
            cursor: &'a str,
        }
        let body = match self {
            PageRequest::First { limit, since, until } => serde_json::to_string(&ResetCursor {
                limit: *limit,
                start_time: since.map(rfc3339),
                end_time: until.map(rfc3339),
            }),
            PageRequest::Cursor(cursor) => serde_json::to_string(&Continue { cursor: cursor.as_str() }),
        };
        body.unwrap_or_else(|_| unreachable!("numbers and strings always have a JSON text"))
    }

    /// The query of a GET, for v3.
    pub fn query(&self, names: QueryNames) -> String {
        match self {
            PageRequest::First { limit, since, until } => {
                let mut query = format!("{}={limit}", names.page_size());
                for (name, time) in [("start_time", since), ("end_time", until)] {
                    if let Some(time) = time {
                        query.push_str(&format!("&{name}={}", percent_encoded(&rfc3339(*time))));
                    }
                }
                query
            }
            PageRequest::Cursor(cursor) => {
                format!("{}={}", names.page_token(), percent_encoded(cursor.as_str()))
            }
        }
    }
}

fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Every byte but those that RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn percent_encoded(text: &str) -> impl fmt::Display + '_ {
    utf8_percent_encode(text, RESERVED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_question_and_a_cursor_never_mix() {
        let time = "2026-11-20T14:05:00.25Z".parse().unwrap();
        let first = PageRequest::First { limit: 1000, since: Some(time), until: None };
        assert_eq!(first.body(), r#"{"limit":1000,"start_time":"2026-11-20T14:05:00.250Z"}"#);
        let bare = PageRequest::First { limit: 1, since: None, until: Some(time) };
        assert_eq!(bare.body(), r#"{"limit":1,"end_time":"2026-11-20T14:05:00.250Z"}"#);
        assert_eq!(PageRequest::Cursor(Cursor::new("aG\"=/")).body(), r#"{"cursor":"aG\"=/"}"#);
    }

    #[test]
    fn v3_asks_by_query() {
        let time: DateTime<Utc> = "2026-05-29T18:00:00Z".parse().unwrap();
        let first = PageRequest::First { limit: 50, since: Some(time), until: Some(time) };
        assert_eq!(
            first.query(QueryNames::Newer),
            "max_page_size=50&start_time=2026-05-29T18%3A00%3A00Z&end_time=2026-05-29T18%3A00%3A00Z"
        );
        assert_eq!(
            PageRequest::Cursor(Cursor::new("a+/=&b")).query(QueryNames::Newer),
            "page_token=a%2B%2F%3D%26b"
        );
        let first = PageRequest::First { limit: 50, since: None, until: None };
        assert_eq!(first.query(QueryNames::Older), "page_size=50");
        assert_eq!(PageRequest::Cursor(Cursor::new("a")).query(QueryNames::Older), "next_page_token=a");
    }

    #[test]
    fn paths_follow_version_and_stream() {
        for (version, stream, path) in ENDPOINTS {
            assert_eq!(path, format!("/api/{version}/{}", stream.name()));
        }
        assert_eq!("V1".parse(), Ok(ApiVersion::V1));
        assert_eq!("3".parse(), Ok(ApiVersion::V3));
        assert_eq!("v4".parse::<ApiVersion>(), Err(UnknownVersion));
        assert!(!ApiVersion::V3.serves(Stream::ItemUsages));
        assert_eq!(ApiVersion::V1.introspect_path(), "/api/auth/introspect");
    }
}
