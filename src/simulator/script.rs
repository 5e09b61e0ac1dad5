//! When troubles happen: rules that pick requests, each with a fault.
//!
//! A rule counts only the requests that it could apply to: "the third request for audit events that
//! holds a cursor" is meant literally, however many others come between.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::fault::{Fault, InvalidFault, bad, number};
use crate::event::Stream;

/// Which of the requests in a rule's scope it strikes, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultTiming {
    /// From this one to that one.
    Numbers(u64, u64),
    /// Every so many.
    Every(u64),
    /// All of them.
    Always,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestTarget {
    /// A stream's events.
    Stream(Stream),
    /// What the token may read.
    Introspect,
}

/// Which requests a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleScope {
    /// Those for events of any stream.
    Events,
    /// Those for one thing.
    Only(RequestTarget),
    /// All.
    Any,
}

/// How a request asks for events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// With a range, or with nothing.
    First,
    /// With a cursor.
    Cursor,
}

/// A fault, and when it happens.
#[derive(Clone, Debug)]
pub struct FaultRule {
    fault: Fault,
    when: FaultTiming,
    scope: RuleScope,
    ask: Option<RequestKind>,
    seen: Arc<AtomicU64>,
}

impl FaultRule {
    /// The fault on the first request for events.
    pub fn new(fault: Fault) -> Self {
        FaultRule {
            fault,
            when: FaultTiming::Numbers(1, 1),
            scope: RuleScope::Events,
            ask: None,
            seen: Arc::default(),
        }
    }

    /// On request `number` (from 1) alone.
    #[must_use]
    pub fn on(self, number: u64) -> Self {
        self.when(FaultTiming::Numbers(number, number))
    }

    /// On every `count`th request.
    #[must_use]
    pub fn every(self, count: u64) -> Self {
        self.when(FaultTiming::Every(count.max(1)))
    }

    /// On all requests.
    #[must_use]
    pub fn always(self) -> Self {
        self.when(FaultTiming::Always)
    }

    /// On these requests.
    #[must_use]
    pub fn when(mut self, when: FaultTiming) -> Self {
        self.when = when;
        self
    }

    /// Counts and strikes requests in this scope only.
    #[must_use]
    pub fn within(mut self, scope: RuleScope) -> Self {
        self.scope = scope;
        self
    }

    /// Counts and strikes requests for this stream only.
    #[must_use]
    pub fn stream(self, stream: Stream) -> Self {
        self.within(RuleScope::Only(RequestTarget::Stream(stream)))
    }

    /// Counts and strikes requests that ask in this way only.
    #[must_use]
    pub fn asking(mut self, ask: RequestKind) -> Self {
        self.ask = Some(ask);
        self
    }

    /// Counts a request and says whether the rule strikes it.
    fn strikes(&self, target: RequestTarget, ask: Option<RequestKind>) -> bool {
        let in_scope = match self.scope {
            RuleScope::Any => true,
            RuleScope::Events => matches!(target, RequestTarget::Stream(_)),
            RuleScope::Only(only) => only == target,
        };
        if !in_scope || self.ask.is_some() && self.ask != ask {
            return false;
        }
        let number = self.seen.fetch_add(1, Ordering::SeqCst) + 1;
        match self.when {
            FaultTiming::Numbers(first, last) => (first..=last).contains(&number),
            FaultTiming::Every(count) => number.is_multiple_of(count),
            FaultTiming::Always => true,
        }
    }
}

/// `FAULT[@WHEN]`, where WHEN is `3`, `2-5`, `every:7` or `always`, then `on=...` and `ask=...`.
impl FromStr for FaultRule {
    type Err = InvalidFault;

    fn from_str(text: &str) -> Result<Self, InvalidFault> {
        let (fault, when) = text.rsplit_once('@').unwrap_or((text, "1"));
        let mut rule = FaultRule::new(fault.parse()?);
        if fault.trim() == "refuse-cursor" {
            rule.ask = Some(RequestKind::Cursor);
        }
        for part in when.split(',').map(str::trim) {
            match part.split_once(['=', ':']) {
                None if part == "always" => rule.when = FaultTiming::Always,
                None => rule.when = numbers(part)?,
                Some(("every", count)) => {
                    rule.when = FaultTiming::Every(number("every", count, 1, u64::MAX)?)
                }
                Some(("on", scope)) => rule.scope = parse_scope(scope)?,
                Some(("ask", "first")) => rule.ask = Some(RequestKind::First),
                Some(("ask", "cursor")) => rule.ask = Some(RequestKind::Cursor),
                Some(_) => {
                    return bad(format!(
                        "\"@{part}\": know a number, 2-5, every:7, always, on=STREAM|events|introspect|any and \
                         ask=first|cursor"
                    ));
                }
            }
        }
        Ok(rule)
    }
}

fn numbers(text: &str) -> Result<FaultTiming, InvalidFault> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.parse(), last.parse()) {
        (Ok(first), Ok(last)) if 1 <= first && first <= last => Ok(FaultTiming::Numbers(first, last)),
        _ => bad(format!("\"@{text}\" is no request number: write @3, @2-5, @every:7 or @always")),
    }
}

fn parse_scope(text: &str) -> Result<RuleScope, InvalidFault> {
    Ok(match text {
        "events" => RuleScope::Events,
        "any" => RuleScope::Any,
        "introspect" => RuleScope::Only(RequestTarget::Introspect),
        stream => match stream.parse() {
            Ok(stream) => RuleScope::Only(RequestTarget::Stream(stream)),
            Err(_) => return bad(format!("on={stream}: know a stream, events, introspect and any")),
        },
    })
}

/// All rules of a simulator; the first that strikes a request decides its fault.
#[derive(Clone, Debug, Default)]
pub struct FaultScript(Vec<FaultRule>);

impl FaultScript {
    /// These rules.
    pub fn new(rules: impl IntoIterator<Item = FaultRule>) -> Self {
        FaultScript(rules.into_iter().collect())
    }

    /// The fault of this request, if it has one.
    pub(super) fn fault(&self, target: RequestTarget, ask: Option<RequestKind>) -> Option<Fault> {
        // Every rule counts every request, also those that an earlier rule strikes.
        let struck: Vec<bool> = self.0.iter().map(|rule| rule.strikes(target, ask)).collect();
        let first = struck.iter().position(|struck| *struck)?;
        Some(self.0[first].fault.clone())
    }
}

impl From<FaultRule> for FaultScript {
    fn from(rule: FaultRule) -> Self {
        FaultScript(vec![rule])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNINS: RequestTarget = RequestTarget::Stream(Stream::SignInAttempts);
    const AUDITS: RequestTarget = RequestTarget::Stream(Stream::AuditEvents);

    fn struck(rule: &str, requests: &[(RequestTarget, Option<RequestKind>)]) -> Vec<usize> {
        let script = FaultScript::from(rule.parse::<FaultRule>().unwrap());
        let strikes = requests.iter().map(|(target, ask)| script.fault(*target, *ask).is_some());
        strikes.enumerate().filter(|(_, struck)| *struck).map(|(index, _)| index + 1).collect()
    }

    #[test]
    fn rules_pick_their_requests() {
        let same = [(SIGNINS, Some(RequestKind::First)); 9];
        assert_eq!(struck("hang", &same), [1]);
        assert_eq!(struck("hang@3", &same), [3]);
        assert_eq!(struck("hang@2-4", &same), [2, 3, 4]);
        assert_eq!(struck("hang@every:4", &same), [4, 8]);
        assert_eq!(struck("hang@always", &same), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn rules_count_within_their_scope() {
        let requests = [
            (RequestTarget::Introspect, None),
            (SIGNINS, Some(RequestKind::First)),
            (AUDITS, Some(RequestKind::First)),
            (SIGNINS, Some(RequestKind::Cursor)),
            (AUDITS, Some(RequestKind::Cursor)),
            (AUDITS, Some(RequestKind::Cursor)),
        ];
        assert_eq!(struck("html@1", &requests), [2]);
        assert_eq!(struck("html@1,on=introspect", &requests), [1]);
        assert_eq!(struck("html@2,on=any", &requests), [2]);
        assert_eq!(struck("html@2,on=audit", &requests), [5]);
        assert_eq!(struck("html@always,on=audit,ask=cursor", &requests), [5, 6]);
        assert_eq!(struck("refuse-cursor@2", &requests), [5]);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, said) in [
            ("hang@0", "no request number"),
            ("hang@5-2", "no request number"),
            ("hang@every:0", "from 1 to"),
            ("hang@on=audti", "on=audti"),
            ("hang@stream=x", "know a number"),
        ] {
            let error = text.parse::<FaultRule>().unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
