//! The troubles a simulator can make: what goes wrong with one answer, and the words for it.
//!
//! When it goes wrong is [`super::script`]'s matter, how it goes out on the wire [`super::answer`]'s.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Something that goes wrong with one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Another status than 200.
    Status {
        /// The status.
        code: u16,
        /// The `Retry-After` header.
        retry_after: Option<RetryAfter>,
        /// The `RateLimit-*` headers of a spent quota.
        rate_headers: bool,
        /// What the body is.
        body: ErrorBody,
    },
    /// A redirect to another address.
    Redirect {
        /// 301, 302, 307 or 308.
        code: u16,
        /// The `Location` header.
        to: String,
    },
    /// The connection ends too early.
    Cut(ConnectionCut),
    /// The body ends in the middle of the JSON text, and its announced length says so too.
    CutJson,
    /// The body is no JSON.
    BadJson,
    /// A byte that is not UTF-8 inside the first item.
    BadUtf8,
    /// A proxy's page of HTML with status 200.
    Html,
    /// A small gzip body that grows to this many MiB of spaces.
    GzipBomb(u64),
    /// The answer comes in pieces of `bytes`, with a pause before each.
    Drip {
        /// The pause.
        pause: Duration,
        /// The size of a piece.
        bytes: usize,
    },
    /// No answer, until the client gives up.
    Hang,
    /// The answer comes this much later.
    Delay(Duration),
    /// No items although there are some; the events come later.
    Empty,
    /// `items: null` although there are some; the events come later.
    NullItems,
    /// The cursor leads nowhere: `has_more: true` and the same page again.
    Stuck,
    /// The page begins with this many items that the pages before it held.
    Repeat(u64),
    /// Half a page, with `has_more: true`.
    Short,
    /// Half a page, with `has_more: false`; the cursor brings the other half when followed.
    Grow,
}

/// The value of a `Retry-After` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// So many seconds.
    Seconds(u64),
    /// A date, so many seconds from now.
    Date(u64),
    /// Something else.
    Text(String),
}

/// The body of an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorBody {
    /// The service's own.
    #[default]
    Json,
    /// A proxy's page.
    Html,
    /// Nothing.
    Empty,
}

/// Where a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionCut {
    /// Before the first byte of the answer.
    BeforeHead,
    /// Within the header.
    InHead,
    /// After the header.
    AfterHead,
    /// Within the body, short of the announced length.
    InBody,
    /// Within the body, whose length was never announced: only the JSON text tells.
    Unframed,
}

/// Why a text names no fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidFault(pub(super) String);

impl fmt::Display for InvalidFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidFault {}

pub(super) fn bad<T>(text: impl Into<String>) -> Result<T, InvalidFault> {
    Err(InvalidFault(text.into()))
}

/// The words for faults, for messages and help.
pub(super) const WORDS: [&str; 18] = [
    "status",
    "redirect",
    "cut",
    "cut-json",
    "bad-json",
    "bad-utf8",
    "html",
    "gzip-bomb",
    "drip",
    "hang",
    "delay",
    "refuse-cursor",
    "empty",
    "null-items",
    "stuck",
    "repeat",
    "short",
    "grow",
];

impl Fault {
    /// A status with the service's own body and no further headers.
    pub fn status(code: u16) -> Self {
        Fault::Status { code, retry_after: None, rate_headers: false, body: ErrorBody::Json }
    }

    /// Adds a `Retry-After` header to a status.
    #[must_use]
    pub fn retry_after(mut self, value: RetryAfter) -> Self {
        if let Fault::Status { retry_after, .. } = &mut self {
            *retry_after = Some(value);
        }
        self
    }
}

/// `WORD[=VALUE][,KEY=VALUE...]`
impl FromStr for Fault {
    type Err = InvalidFault;

    fn from_str(text: &str) -> Result<Self, InvalidFault> {
        let mut parts = text.split(',').map(|part| match part.split_once('=') {
            Some((key, value)) => (key.trim(), Some(value.trim())),
            None => (part.trim(), None),
        });
        let (word, value) = parts.next().unwrap_or(("", None));
        let mut fault = bare(word, value)?;
        for (key, value) in parts {
            extend(&mut fault, word, key, value)?;
        }
        Ok(fault)
    }
}

fn bare(word: &str, value: Option<&str>) -> Result<Fault, InvalidFault> {
    let needed = |what: &str| match value {
        Some(value) if !value.is_empty() => Ok(value),
        _ => bad(format!("{word} needs a value: {word}={what}")),
    };
    let fault = match word {
        "status" => Fault::status(number(word, needed("503")?, 100, 599)? as u16),
        "redirect" => Fault::Redirect { code: 302, to: needed("http://127.0.0.1:9/")?.to_owned() },
        "cut" => Fault::Cut(match needed("in-body")? {
            "before" => ConnectionCut::BeforeHead,
            "in-head" => ConnectionCut::InHead,
            "after-head" => ConnectionCut::AfterHead,
            "in-body" => ConnectionCut::InBody,
            "unframed" => ConnectionCut::Unframed,
            other => {
                return bad(format!("cut={other}: know before, in-head, after-head, in-body and unframed"));
            }
        }),
        "gzip-bomb" => Fault::GzipBomb(value.map_or(Ok(1024), |value| number(word, value, 1, 16_384))?),
        "drip" => Fault::Drip { pause: duration(needed("10ms")?)?, bytes: 1 },
        "delay" => Fault::Delay(duration(needed("2s")?)?),
        "repeat" => Fault::Repeat(number(word, needed("3")?, 1, 1000)?),
        _ if value.is_some() && WORDS.contains(&word) => return bad(format!("{word} takes no value")),
        "cut-json" => Fault::CutJson,
        "bad-json" => Fault::BadJson,
        "bad-utf8" => Fault::BadUtf8,
        "html" => Fault::Html,
        "hang" => Fault::Hang,
        "refuse-cursor" => Fault::status(400),
        "empty" => Fault::Empty,
        "null-items" => Fault::NullItems,
        "stuck" => Fault::Stuck,
        "short" => Fault::Short,
        "grow" => Fault::Grow,
        _ => return bad(format!("there is no fault \"{word}\": know {}", WORDS.join(", "))),
    };
    Ok(fault)
}

fn extend(fault: &mut Fault, word: &str, key: &str, value: Option<&str>) -> Result<(), InvalidFault> {
    match (fault, key, value) {
        (Fault::Status { retry_after, .. }, "retry-after", Some(value)) => {
            *retry_after = Some(match value.strip_prefix("date:") {
                Some(seconds) => RetryAfter::Date(number(key, seconds, 0, 1_000_000_000)?),
                None => {
                    value.parse().map_or_else(|_| RetryAfter::Text(value.to_owned()), RetryAfter::Seconds)
                }
            });
        }
        (Fault::Status { rate_headers, .. }, "ratelimit", None) => *rate_headers = true,
        (Fault::Status { body, .. }, "body", Some(value)) => {
            *body = match value {
                "json" => ErrorBody::Json,
                "html" => ErrorBody::Html,
                "empty" => ErrorBody::Empty,
                other => return bad(format!("body={other}: know json, html and empty")),
            };
        }
        (Fault::Redirect { code, .. }, "code", Some(value)) => *code = number(key, value, 300, 399)? as u16,
        (Fault::Drip { bytes, .. }, "bytes", Some(value)) => {
            *bytes = number(key, value, 1, 1 << 24)? as usize;
        }
        _ => {
            return bad(format!(
                "{word} has no \"{key}\"{}",
                if value.is_some() { " with a value" } else { "" }
            ));
        }
    }
    Ok(())
}

pub(super) fn number(word: &str, text: &str, least: u64, most: u64) -> Result<u64, InvalidFault> {
    match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => bad(format!("{word}={text}: a number from {least} to {most} is wanted")),
    }
}

/// Reads `50ms`, `2s` or `1m`.
///
/// # Errors
/// Fails for anything else.
pub(super) fn duration(text: &str) -> Result<Duration, InvalidFault> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let count: u64 = digits
        .parse()
        .ok()
        .filter(|n| *n <= 86_400_000)
        .map_or_else(|| bad(format!("\"{text}\" is no duration: write 50ms, 2s or 1m")), Ok)?;
    match unit {
        "ms" => Ok(Duration::from_millis(count)),
        "s" => Ok(Duration::from_secs(count)),
        "m" => Ok(Duration::from_secs(count * 60)),
        _ => bad(format!("\"{text}\" is no duration: write 50ms, 2s or 1m")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_makes_a_fault() {
        for word in WORDS {
            let value = match word {
                "status" => "=503",
                "redirect" => "=http://127.0.0.1:9/a,code=308",
                "cut" => "=in-body",
                "drip" => "=10ms,bytes=7",
                "delay" => "=1m",
                "repeat" => "=3",
                _ => "",
            };
            format!("{word}{value}").parse::<Fault>().unwrap();
        }
    }

    #[test]
    fn a_status_takes_headers_and_bodies() {
        let fault: Fault = "status=429,retry-after=2,ratelimit,body=html".parse().unwrap();
        let Fault::Status { code, retry_after, rate_headers, body } = fault else { panic!("{fault:?}") };
        assert_eq!((code, rate_headers, body), (429, true, ErrorBody::Html));
        assert_eq!(retry_after, Some(RetryAfter::Seconds(2)));
        assert_eq!(
            "status=503,retry-after=date:30".parse(),
            Ok(Fault::status(503).retry_after(RetryAfter::Date(30)))
        );
        assert_eq!(
            "status=503,retry-after=soon".parse(),
            Ok(Fault::status(503).retry_after(RetryAfter::Text("soon".into())))
        );
    }

    #[test]
    fn a_mistake_is_named() {
        for (text, said) in [
            ("stat=503", "no fault \"stat\""),
            ("status", "needs a value"),
            ("status=99", "from 100 to 599"),
            ("cut=here", "know before"),
            ("hang=3", "takes no value"),
            ("drip=fast", "no duration"),
            ("drip=1s,size=3", "drip has no \"size\""),
            ("status=500,body=xml", "know json"),
        ] {
            let error = text.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
