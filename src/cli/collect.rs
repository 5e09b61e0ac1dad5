//! What `fetch` and `tail` have in common: streams, account, form and place of the output, saved positions.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};

use super::account::AccountArgs;
use super::codes::CodesArg;
use super::connection::PageArgs;
use super::delivery::DeliveryArgs;
use super::detection::DetectionArgs;
use super::filter::FilterArgs;
use super::profiles::ProfilesArgs;
use super::redaction::RedactionArgs;
use super::roll::{self, RollLimit};
use super::shape_options::ShapeOptionArgs;
use super::stream::StreamArgs;
use crate::encode::{self, Fields, Format, OutputUse, Shape};
use crate::time::duration;

/// The arguments that `fetch` and `tail` share.
#[derive(Args, Clone, Debug, Default)]
pub struct CollectArgs {
    /// Which streams.
    #[command(flatten)]
    pub streams: StreamArgs,

    /// The account.
    #[command(flatten)]
    pub account: AccountArgs,

    /// One profile, or all.
    #[command(flatten)]
    pub profiles: ProfilesArgs,

    /// Which events.
    #[command(flatten)]
    pub filter: FilterArgs,

    /// Form of the output: table, record, ndjson, json or csv
    ///
    /// By default a table when standard output is a terminal, else ndjson; with -o by the file's
    /// extension, to which .gz or .zst may be added. ndjson comes out as the events arrive; tables, csv and
    /// json are in order of time. record is a block an event, a line a
    /// field, everything in it. A file that is followed or resumed is ndjson or csv.
    #[arg(long, value_name = "FORMAT", help_heading = "Output")]
    pub format: Option<Format>,

    /// Schema of an event [default: raw]
    ///
    /// raw is the event as the service sent it, byte for byte. envelope wraps it with stream, profile,
    /// account_uuid and received_at. The others are what the intakes of these products expect; what their
    /// schema has no field for stands in a field of its own (onepassword, unmapped, message or the event).
    /// They are for ndjson and json; cef and leef, which are lines of text, for ndjson only. Where --all-profiles
    /// goes to one place, envelope is the default: it names the profile.
    #[arg(long, value_name = "SHAPE", help_heading = "Output")]
    pub shape: Option<Shape>,

    /// Add the known names to the envelope
    ///
    /// An object names with each uuid in the event that has an imported name (`opev names`). For --shape envelope.
    #[arg(long, requires = "shape", help_heading = "Output")]
    pub names: bool,

    /// What is added to events.
    #[command(flatten)]
    pub shape_options: ShapeOptionArgs,

    /// What does not go out.
    #[command(flatten)]
    pub redaction: RedactionArgs,

    /// Columns of tables and CSV, separated by commas; help lists them
    ///
    /// Dots reach into objects: timestamp,target_user.email,client.ip_address.
    #[arg(long, value_name = "LIST", help_heading = "Output")]
    pub fields: Option<String>,

    /// Codes or words.
    #[command(flatten)]
    pub codes: CodesArg,

    /// Cut nothing in tables on a terminal
    ///
    /// Every column, each row on one line, however long: for a wide screen, or a pager that scrolls
    /// sideways.
    #[arg(long, help_heading = "Output")]
    pub wide: bool,

    /// Begin CSV with a byte order mark
    ///
    /// Spreadsheets that guess encodings, as Excel, then read it as UTF-8.
    #[arg(long, help_heading = "Output")]
    pub csv_bom: bool,

    /// Write to this file; - is standard output
    ///
    /// {stream} and {profile} in the name stand for themselves, {batch} and {date} for rolled files (--roll).
    /// With --resume the file is managed: each
    /// event once, whatever happens; a file of tail is always managed. Else it is written beside the file
    /// and renamed into place when complete. FIFOs and devices are written like standard output. With
    /// --all-profiles, {profile} must stand in the name, and the profiles are read side by side; without -o one
    /// after another, in the order of their names.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub output: Option<PathBuf>,

    /// Roll files after this much: 128MiB or 1h by default
    ///
    /// With {batch} in the name of -o FILE and --resume, files are rolled: each gets its name when it is whole
    /// and synced, and is never written again. {date} is the date of the events, in UTC:
    /// -o 'lake/{stream}/date={date}/{batch}.ndjson.zst'. A size counts bytes before compression, a duration
    /// from the first event; both may be given. fetch ends its last file at its end. The position moves behind
    /// a file once it has its name; after a kill the same events go into a file of the same name. Where the
    /// program is built with Parquet, {batch}.parquet makes such files.
    #[arg(long, value_name = "SIZE|DURATION", requires = "output", value_parser = roll::limit,
          help_heading = "Output")]
    pub roll: Vec<RollLimit>,

    /// Permissions of a new output file, in octal [default: 600]
    ///
    /// Events tell who did what from where; others can read the file only when this says so.
    #[arg(long, value_name = "OCTAL", requires = "output", value_parser = file_mode, help_heading = "Output")]
    pub file_mode: Option<u32>,

    /// Continue from the saved position, and save it as events are delivered
    ///
    /// Without a saved position it starts at --since. A position belongs to the profile and to the
    /// output file, or to --consumer. Running it again is always safe.
    #[arg(long, help_heading = "Saved positions")]
    pub resume: bool,

    /// Keep the position under this name [default: stdout]
    ///
    /// For output that is not a file. Needed with --resume on a terminal, so that this run does not take the
    /// events of a job by hand.
    #[arg(long, value_name = "NAME", requires = "resume", help_heading = "Saved positions")]
    pub consumer: Option<String>,

    /// Wait this long for another run to end
    ///
    /// Without it, a position that another run is using ends this one at once with exit code 9.
    #[arg(long, value_name = "DURATION", requires = "resume", value_parser = duration::parse,
          help_heading = "Saved positions")]
    pub lock_wait: Option<Duration>,

    /// Go on although events may be missing
    ///
    /// When the saved position is too old or refused by the service, the run ends with exit code 8 and
    /// names the missing range. With this flag it starts again at the last delivered event instead.
    #[arg(long, requires = "resume", help_heading = "Saved positions")]
    pub accept_gap: bool,

    /// Rules beside the events.
    #[command(flatten)]
    pub detection: DetectionArgs,

    /// Whom batches go to.
    #[command(flatten)]
    pub delivery: DeliveryArgs,

    /// How large the service's answers are.
    #[command(flatten)]
    pub page: PageArgs,
}

impl CollectArgs {
    /// Whether the output is a named file rather than standard output.
    pub fn names_a_file(&self) -> bool {
        self.output.as_ref().is_some_and(|path| path.as_os_str() != "-")
    }

    /// The bytes and the age of rolled files; none where no files are rolled.
    pub fn rolls(&self) -> Option<(u64, Duration)> {
        roll::is_rolled(self.output.as_deref()).then(|| roll::limits(&self.roll))
    }

    /// How the output is used where a position is kept; none where it is not.
    pub(super) fn saved_use(&self) -> Option<OutputUse> {
        let place = match (self.rolls(), self.names_a_file()) {
            (Some(_), _) => OutputUse::RolledFiles,
            (None, true) => OutputUse::ManagedFile,
            (None, false) => OutputUse::Follow,
        };
        self.resume.then_some(place)
    }

    /// Whether each profile has an output of its own.
    pub fn names_a_file_per_profile(&self) -> bool {
        let names_it = |path: &PathBuf| path.to_string_lossy().contains("{profile}");
        self.output.as_ref().is_some_and(names_it)
    }

    /// Refuses what only the values tell to be contradictory, for output that is used so; `default` is
    /// the shape where none was typed.
    pub(super) fn check(&self, purpose: OutputUse, default: Shape) -> Result<(), String> {
        self.filter.check()?;
        self.check_encoder(purpose)?;
        let shape = self.shape.unwrap_or(default);
        self.shape_options.check(shape)?;
        self.delivery.check(shape, self.format)?;
        self.detection.check(self.resume, self.profiles.all)?;
        roll::check(self.output.as_deref(), &self.roll, self.resume)?;
        if self.profiles.all && self.names_a_file() && !self.names_a_file_per_profile() {
            return Err(
                "--all-profiles with -o FILE needs {profile} in the file's name, so that no profile \
                        writes over another"
                    .into(),
            );
        }
        if self.names && self.shape != Some(Shape::Envelope) {
            return Err("--names adds to the envelope; add --shape envelope".into());
        }
        if self.consumer.is_some() && self.names_a_file() {
            return Err("--consumer cannot be used with -o FILE, whose position belongs to the file".into());
        }
        Ok(())
    }

    /// Refuses formats, shapes and columns that cannot be combined, as far as they were typed; what a file's
    /// name or a mistyped column says is refused where it is read.
    fn check_encoder(&self, purpose: OutputUse) -> Result<(), String> {
        let Some(format) = self.format else { return Ok(()) };
        if self.csv_bom && format != Format::Csv {
            return Err(format!("--csv-bom is for csv, and the format is {format}"));
        }
        if self.filter.jq.is_some() {
            encode::check_values(format, self.shape.unwrap_or_default()).map_err(|error| {
                let hint = error.advice().map(|hint| format!("; {hint}"));
                format!("{}{}", error.message(), hint.unwrap_or_default())
            })?;
        }
        let fields = self.fields.as_deref().filter(|text| *text != "help");
        let fields = fields.and_then(|text| Fields::parse(text).ok());
        encode::check(format, self.shape.unwrap_or_default(), fields.as_ref(), purpose).map_err(|error| {
            let hint = error.advice().map(|hint| format!("; {hint}"));
            format!("{}{}", error.message(), hint.unwrap_or_default())
        })
    }
}

/// Reads permissions such as `640` or `0640`.
fn file_mode(text: &str) -> Result<u32, String> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|mode| digits && *mode <= 0o777)
        .ok_or_else(|| "not permissions; write three octal digits, as 600 or 640".to_owned())
}
