//! The table of encoders: one row per format and one per shape. Their properties that other parts need (command
//! line, help, refusals, file names, the contract of a checkpoint) are read here.
//!
//! A new one is a row below and the code that writes it; a row that is missing does not compile. Nothing
//! here writes events.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;
use clap::builder::PossibleValue;

use super::fields::Fields;
use crate::error::{Error, ErrorKind, Result};

/// The properties of a format.
#[derive(Clone, Copy, Debug)]
pub struct FormatRow {
    /// The format's name on the command line and in checkpoints.
    pub name: &'static str,
    /// What it is, in a few words.
    pub help: &'static str,
    /// The extensions of its file names.
    pub extensions: &'static [&'static str],
    /// How events follow each other.
    pub frame: FormatFrame,
    /// Whether the output has a beginning before the first event.
    pub has_header: bool,
    /// Whether the output is whole only after an end, so that it cannot be followed or resumed.
    pub has_end: bool,
    /// Whether a managed file can be continued in it.
    pub can_resume_file: bool,
    /// Whether rolled files can be in it.
    pub can_roll: bool,
    /// Whether it is made for files alone, which the formats for pipes and terminals are not.
    pub needs_file: bool,
    /// Whether its events have columns, so that `--fields` means something.
    pub has_columns: bool,
    /// A version, raised when the same events would be encoded as other bytes.
    pub version: u32,
}

/// How events follow each other in a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatFrame {
    /// A line each.
    Lines,
    /// Elements of one JSON array.
    Array,
    /// Columns, in a file with an end that says where they are.
    Columns,
    /// A block of lines each, and an empty line.
    Blocks,
}

/// The properties of a shape.
#[derive(Clone, Copy, Debug)]
pub struct ShapeRow {
    /// The shape's name on the command line and in checkpoints.
    pub name: &'static str,
    /// What it is, in a few words.
    pub help: &'static str,
    /// Whether its events are JSON; the others are lines of their own, which only the format of lines holds.
    pub is_json: bool,
    /// Whether its events can be laid out in columns.
    pub has_columns: bool,
    /// What the intake of this shape takes in one request.
    pub intake: IntakeLimits,
    /// Whether it has a place for tags.
    pub has_tags: bool,
    /// Whether its bytes depend on when and by which profile the event was read (P4).
    pub tells_reading: bool,
    /// A version, raised when the same event would be encoded as other bytes.
    pub version: u32,
}

/// What an intake takes in one request, as its vendor documents it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntakeLimits {
    /// The most events.
    pub max_events: usize,
    /// The most bytes, before compression.
    pub max_bytes: usize,
    /// The most bytes of one event, where that is less.
    pub max_event_bytes: Option<usize>,
    /// Whether it wants one JSON array.
    pub is_array: bool,
}

/// No limit of its own: anything that a receiver may be asked to take.
const ANY_INTAKE: IntakeLimits =
    IntakeLimits { max_events: 100_000, max_bytes: 100_000_000, max_event_bytes: None, is_array: false };

/// A request of 1 MB, lines.
const ONE_MEGABYTE: IntakeLimits = IntakeLimits { max_bytes: 1_000_000, ..ANY_INTAKE };

/// A request of 1 MB, an array: the Logs Ingestion API.
const LOGS_INGESTION: IntakeLimits = IntakeLimits { is_array: true, ..ONE_MEGABYTE };

/// 1,000 logs, 5 MB, 1 MB a log.
const DATADOG: IntakeLimits = IntakeLimits {
    max_events: 1_000,
    max_bytes: 5_000_000,
    max_event_bytes: Some(1_000_000),
    is_array: true,
};

/// Declares an enum with a row for each value, and its accessors.
macro_rules! registry {
    (
        $(#[$attributes:meta])* $name:ident of $row:ident, "no such " $what:literal;
        $($(#[$default:meta])* $variant:ident { $($field:ident: $value:expr),* $(,)? })*
    ) => {
        $(#[$attributes])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $(#[doc = registry!(@help $($field: $value),*)] $(#[$default])* $variant,)*
        }

        impl $name {
            /// Every one, in the order of the help text.
            pub const ALL: [$name; [$($name::$variant),*].len()] = [$($name::$variant),*];

            /// What is to be known of it.
            pub const fn row(self) -> &'static $row {
                match self { $($name::$variant => &$row { $($field: $value),* },)* }
            }

            /// Its name on the command line and in checkpoints.
            pub const fn name(self) -> &'static str {
                self.row().name
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                $name::ALL.into_iter().find(|one| one.name() == text).ok_or_else(|| {
                    let names = $name::ALL.map($name::name).join(", ");
                    Error::new(ErrorKind::Usage, concat!("no such ", $what)).hint(format!("use one of {names}"))
                })
            }
        }

        impl ValueEnum for $name {
            fn value_variants<'a>() -> &'a [Self] {
                &$name::ALL
            }

            fn to_possible_value(&self) -> Option<PossibleValue> {
                Some(PossibleValue::new(self.name()).help(self.row().help))
            }
        }
    };
    (@help name: $name:expr, help: $help:expr $(, $field:ident: $value:expr)*) => { $help };
}

registry! {
    /// How events are framed in the output.
    Format of FormatRow, "no such " "format";
    Table {
        name: "table", help: "Columns for people", extensions: &[], frame: FormatFrame::Lines,
        has_header: true, has_end: false, can_resume_file: false, has_columns: true, version: 2,
        can_roll: false, needs_file: false,
    }
    Ndjson {
        name: "ndjson", help: "One JSON object a line", extensions: &["ndjson", "jsonl"],
        frame: FormatFrame::Lines,
        has_header: false, has_end: false, can_resume_file: true, has_columns: false, version: 1,
        can_roll: true, needs_file: false,
    }
    Json {
        name: "json", help: "One JSON array", extensions: &["json"], frame: FormatFrame::Array,
        has_header: true, has_end: true, can_resume_file: false, has_columns: false, version: 1,
        can_roll: false, needs_file: false,
    }
    Csv {
        name: "csv", help: "Columns for spreadsheets", extensions: &["csv"], frame: FormatFrame::Lines,
        has_header: true, has_end: false, can_resume_file: true, has_columns: true, version: 2,
        can_roll: false, needs_file: false,
    }
    Record {
        name: "record", help: "All fields of an event, a line each", extensions: &[],
        frame: FormatFrame::Blocks,
        has_header: false, has_end: false, can_resume_file: false, has_columns: true, version: 1,
        can_roll: false, needs_file: false,
    }
    Parquet {
        name: "parquet", help: "Apache Parquet files, where the program is built with it",
        extensions: &["parquet"], frame: FormatFrame::Columns,
        has_header: true, has_end: true, can_resume_file: false, has_columns: true, version: 1,
        can_roll: true, needs_file: true,
    }
}

registry! {
    /// The schema of an event in the output, independent of the [`Format`].
    #[derive(Default)]
    Shape of ShapeRow, "no such " "shape";
    #[default]
    Raw {
        name: "raw", help: "The event's text as the service sent it",
        is_json: true, has_columns: true, has_tags: false, tells_reading: false, version: 1, intake: ANY_INTAKE,
    }
    Envelope {
        name: "envelope", help: "The same, wrapped with stream, profile, account and time of reading",
        is_json: true, has_columns: true, has_tags: true, tells_reading: true, version: 1, intake: ANY_INTAKE,
    }
    Ecs {
        name: "ecs", help: "Elastic Common Schema, as Elastic's integration for 1Password has it",
        is_json: true, has_columns: false, has_tags: true, tells_reading: true, version: 1, intake: ANY_INTAKE,
    }
    Ocsf {
        name: "ocsf", help: "Open Cybersecurity Schema Framework 1.8.0",
        is_json: true, has_columns: false, has_tags: true, tells_reading: true, version: 1, intake: ANY_INTAKE,
    }
    Datadog {
        name: "datadog", help: "Logs for Datadog's intake",
        is_json: true, has_columns: false, has_tags: true, tells_reading: true, version: 1, intake: DATADOG,
    }
    Sentinel {
        name: "sentinel", help: "Rows of Microsoft Sentinel's table OnePasswordEventLogs_CL",
        is_json: true, has_columns: false, has_tags: false, tells_reading: true, version: 1, intake: LOGS_INGESTION,
    }
    SentinelStream {
        name: "sentinel-stream", help: "Input of the data collection rule of that table",
        is_json: true, has_columns: false, has_tags: false, tells_reading: false, version: 1, intake: LOGS_INGESTION,
    }
    Splunk {
        name: "splunk", help: "Events for Splunk's HTTP Event Collector",
        is_json: true, has_columns: false, has_tags: true, tells_reading: true, version: 1, intake: ONE_MEGABYTE,
    }
    Sumo {
        name: "sumo", help: "Logs for Sumo Logic and its Cloud SIEM",
        is_json: true, has_columns: false, has_tags: true, tells_reading: false, version: 1, intake: ONE_MEGABYTE,
    }
    Cef {
        name: "cef", help: "ArcSight's Common Event Format, a line of text an event",
        is_json: false, has_columns: false, has_tags: false, tells_reading: false, version: 1, intake: ANY_INTAKE,
    }
    Leef {
        name: "leef", help: "QRadar's Log Event Extended Format 2.0, a line of text an event",
        is_json: false, has_columns: false, has_tags: false, tells_reading: false, version: 1, intake: ANY_INTAKE,
    }
    Dnif {
        name: "dnif", help: "Events in DNIF's field names",
        is_json: true, has_columns: false, has_tags: false, tells_reading: false, version: 1, intake: ANY_INTAKE,
    }
}

/// What an output is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputUse {
    /// Events of a range, once.
    Question,
    /// Events as they arrive, or from a saved position: the output has no end.
    Follow,
    /// The same into a file that later runs continue.
    ManagedFile,
    /// The same into one whole file after another.
    RolledFiles,
}

/// Refuses combinations that cannot work. Every decision about an output calls this before anything is
/// opened.
///
/// # Errors
/// Fails with `Usage`.
pub fn check(format: Format, shape: Shape, fields: Option<&Fields>, purpose: OutputUse) -> Result<()> {
    let refuse = |message: String, hint: String| Err(Error::new(ErrorKind::Usage, message).hint(hint));
    let row = format.row();
    if !format.is_built() {
        return Err(not_built(format));
    }
    if fields.is_some() && !row.has_columns {
        let message = format!("--fields chooses columns, and {format} has none");
        return refuse(message, format!("add {}, or use jq for JSON", flags(|row| row.has_columns)));
    }
    if row.has_columns && !shape.row().has_columns {
        let message = format!("the shape {shape} cannot be laid out as {format}");
        return refuse(message, "add --format ndjson, or --shape raw".into());
    }
    if format != Format::Ndjson && !shape.row().is_json {
        let message = format!("the shape {shape} is lines of text and cannot be framed as {format}");
        return refuse(message, "add --format ndjson".into());
    }
    match purpose {
        OutputUse::Question => Ok(()),
        OutputUse::RolledFiles if !row.can_roll => {
            let message =
                format!("rolled files are {}, and the format is {format}", names(|row| row.can_roll));
            refuse(message, "give -o a name that ends in .ndjson.zst".into())
        }
        OutputUse::Follow | OutputUse::ManagedFile if row.has_end => {
            let message = format!("{format} cannot be followed or resumed: its end would never be written");
            let others = names(|row| !row.has_end && row.can_resume_file);
            let hint = match row.can_roll {
                true => format!(
                    "write whole files: -o 'lake/{{stream}}/date={{date}}/{{batch}}.{format}', or use {others}"
                ),
                false => format!("use {others}"),
            };
            refuse(message, hint)
        }
        OutputUse::ManagedFile if !row.can_resume_file => {
            let message = format!("{format} cannot be written with --resume -o FILE");
            refuse(message, format!("use {}", names(|row| row.can_resume_file)))
        }
        OutputUse::Follow | OutputUse::ManagedFile | OutputUse::RolledFiles => Ok(()),
    }
}

impl Format {
    /// Whether this program was built with it.
    pub const fn is_built(self) -> bool {
        !matches!(self, Format::Parquet) || cfg!(feature = "parquet")
    }
}

/// The refusal of a format that the program was built without.
pub(super) fn not_built(format: Format) -> Error {
    Error::new(ErrorKind::Usage, format!("this opev was built without {format}")).hint(format!(
        "build one with it: cargo install --path . --features {format}; or write ndjson, which the same engines read"
    ))
}

/// The names of the shapes whose rows say so, for a hint.
pub fn shapes(wanted: impl Fn(&ShapeRow) -> bool) -> String {
    let names = Shape::ALL.into_iter().filter(|shape| wanted(shape.row()));
    names.map(Shape::name).collect::<Vec<_>>().join(", ")
}

/// Refuses formats and shapes that cannot hold the values of `--jq`.
///
/// # Errors
/// Fails with `Usage`.
pub fn check_values(format: Format, shape: Shape) -> Result<()> {
    let message = if format.row().has_columns {
        format!("--jq yields JSON, and {format} has columns")
    } else if !shape.row().is_json {
        format!("--jq yields JSON, and the shape {shape} is lines of text")
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Usage, message)
        .hint("add --format ndjson or --format json, and a shape that is JSON"))
}

/// The names of the formats whose rows say so: `--format table or --format csv`.
fn flags(wanted: impl Fn(&FormatRow) -> bool) -> String {
    let names = Format::ALL.into_iter().filter(|format| wanted(format.row()));
    names.map(|format| format!("--format {format}")).collect::<Vec<_>>().join(" or ")
}

fn names(wanted: impl Fn(&FormatRow) -> bool) -> String {
    let names = Format::ALL.into_iter().filter(|format| wanted(format.row()));
    names.map(Format::name).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_keeps_what_the_others_rely_on() {
        let mut extensions: Vec<&str> = Vec::new();
        for format in Format::ALL {
            let row = format.row();
            assert_eq!(format.name().parse::<Format>().unwrap(), format);
            assert_eq!(format.to_string(), row.name);
            assert_eq!(<Format as ValueEnum>::from_str(row.name, false).unwrap(), format);
            assert!(!row.help.is_empty() && row.version > 0);
            assert!(!(row.has_end && row.can_resume_file), "{format}: nothing can follow an end");
            assert_eq!(matches!(row.frame, FormatFrame::Array | FormatFrame::Columns), row.has_end);
            extensions.extend(row.extensions);
        }
        let count = extensions.len();
        extensions.sort_unstable();
        extensions.dedup();
        assert_eq!((count, extensions.len()), (5, 5), "an extension means one format");
        for shape in Shape::ALL {
            assert_eq!(shape.name().parse::<Shape>().unwrap(), shape);
            assert!(!shape.row().help.is_empty() && shape.row().version > 0);
            assert!(shape.row().is_json || !shape.row().has_columns, "{shape}: columns come from JSON");
        }
        assert_eq!("xml".parse::<Format>().unwrap_err().kind(), ErrorKind::Usage);
    }

    #[test]
    fn an_output_that_needs_an_end_is_neither_followed_nor_resumed() {
        for shape in Shape::ALL {
            for format in Format::ALL {
                let row = format.row();
                let allowed = |purpose| check(format, shape, None, purpose).is_ok();
                let fits = format.is_built()
                    && match shape.row().is_json {
                        true => shape.row().has_columns || !row.has_columns,
                        false => format == Format::Ndjson,
                    };
                assert_eq!(allowed(OutputUse::Question), fits, "{format} {shape}");
                assert_eq!(allowed(OutputUse::Follow), fits && !row.has_end, "{format} {shape}");
                assert_eq!(allowed(OutputUse::ManagedFile), fits && row.can_resume_file, "{format} {shape}");
                assert_eq!(allowed(OutputUse::RolledFiles), fits && row.can_roll, "{format} {shape}");
                let fields = Fields::parse("uuid").unwrap();
                let chosen = check(format, shape, Some(&fields), OutputUse::Question);
                assert_eq!(chosen.is_ok(), fits && row.has_columns, "{format} {shape}");
            }
        }
        let error = check(Format::Json, Shape::Cef, None, OutputUse::Question).unwrap_err();
        assert_eq!((error.kind(), error.advice().unwrap()), (ErrorKind::Usage, "add --format ndjson"));
        let error = check(Format::Json, Shape::Raw, None, OutputUse::ManagedFile).unwrap_err();
        assert_eq!((error.kind(), error.advice().unwrap()), (ErrorKind::Usage, "use ndjson or csv"));
    }
}
