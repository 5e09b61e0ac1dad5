//! Streams as they are typed: words, the API's names, several with commas between them, or `all`.

use std::ffi::OsStr;

use clap::Args;
use clap::builder::{PossibleValue, TypedValueParser};

use crate::event::Stream;

/// The word for every stream that the token grants.
const ALL: &str = "all";

/// Which streams.
#[derive(Args, Clone, Debug, Default)]
pub struct StreamArgs {
    /// signin, items, audit or all; all by default
    ///
    /// Several may be given, with spaces or commas between them. The API's names (signinattempts,
    /// itemusages, auditevents) are understood as well. all means every stream that the token grants.
    #[arg(value_name = "STREAM", value_parser = StreamParser, value_delimiter = ',', hide_possible_values = true)]
    pub choices: Vec<StreamChoice>,

    /// The streams that were named, each once; none where all are wanted.
    #[arg(skip)]
    pub named: Vec<Stream>,
}

impl StreamArgs {
    /// Reads what was typed.
    pub(super) fn read(&mut self) {
        self.named = named(&self.choices);
    }
}

/// One word in the list of streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamChoice {
    /// Every stream that the token grants.
    All,
    /// This one.
    One(Stream),
}

/// The streams that were named, each once, in the order in which they were; none where `all` is among them.
fn named(choices: &[StreamChoice]) -> Vec<Stream> {
    let mut streams = Vec::new();
    for choice in choices {
        match choice {
            StreamChoice::All => return Vec::new(),
            StreamChoice::One(stream) if streams.contains(stream) => {}
            StreamChoice::One(stream) => streams.push(*stream),
        }
    }
    streams
}

/// Reads a word of the list; a typo is refused with the nearest name.
#[derive(Clone)]
pub(super) struct StreamParser;

impl TypedValueParser for StreamParser {
    type Value = StreamChoice;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<StreamChoice, clap::Error> {
        let parser = |text: &str| {
            if text.eq_ignore_ascii_case(ALL) {
                return Ok(StreamChoice::All);
            }
            text.trim().parse::<Stream>().map(StreamChoice::One)
        };
        TypedValueParser::parse_ref(&parser, command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let words = Stream::ALL.into_iter().map(Stream::word).chain([ALL]);
        Some(Box::new(words.map(PossibleValue::new)))
    }
}
