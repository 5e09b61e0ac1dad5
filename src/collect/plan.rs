//! The output of a run: format, shape and destinations, decided before anything is requested or written.
//!
//! Does not open files.

use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::delivery::{DeliveryRequest, DeliveryTarget};
use super::detection::{self, DetectRequest};
use super::question::QuestionSource;
use crate::compression::Compression;
use crate::encode::{
    self, EventContext, EventEncoder, Fields, Format, OutputUse, Redaction, RenderOptions, Shape,
    ShapeOptions, Tag, TimeStyle, WordStyle,
};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::health::{HealthReporter, RunMode};
use crate::sanitize;
use crate::select::{Filter, Names};
use crate::suggest::suggest;
use crate::time::Zone;

/// Permissions of a new file, unless `--file-mode` says otherwise.
pub const FILE_MODE: u32 = 0o600;

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct OutputRequest {
    /// The file; `-` or none is standard output.
    pub output: Option<PathBuf>,
    /// How events are framed; none lets the file's extension or the terminal decide.
    pub format: Option<Format>,
    /// The schema of an event.
    pub shape: Option<Shape>,
    /// What was typed to be added to events.
    pub options: ShapeOptions,
    /// Whether events are tagged with their profile, because several run.
    pub names_tenant: bool,
    /// Which values do not go out.
    pub redaction: Arc<Redaction>,
    /// Chosen columns.
    pub fields: Option<String>,
    /// Which events are wanted.
    pub filter: Arc<Filter>,
    /// What rules look for beside.
    pub detect: Option<DetectRequest>,
    /// The names of what events concern.
    pub names: Arc<Names>,
    /// Whether the envelope has the names too.
    pub adds_names: bool,
    /// Whether tables, records and made columns have words or codes.
    pub words: WordStyle,
    /// Whether nothing is cut on a terminal.
    pub wide: bool,
    /// Whether CSV begins with a byte order mark.
    pub csv_bom: bool,
    /// Whom batches go to.
    pub delivery: Option<DeliveryRequest>,
    /// How the position is saved, under `--resume`.
    pub resume: Option<ResumeOptions>,
    /// How the output is used where no position is saved.
    pub purpose: OutputUse,
    /// What standard output can show.
    pub terminal: Terminal,
}

/// What standard output can show.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terminal {
    /// Whether it is a terminal.
    pub is_terminal: bool,
    /// Its columns.
    pub width: u16,
    /// Whether colours are wanted there.
    pub colour: bool,
}

/// How a position is saved.
#[derive(Clone, Debug)]
pub struct ResumeOptions {
    /// The consumer's name, where the output is not a file.
    pub consumer: Option<String>,
    /// How long to wait for a lock that another run holds.
    pub lock_wait: Option<Duration>,
    /// Permissions of a new file.
    pub file_mode: Option<u32>,
    /// The kind of run, for `opev status`.
    pub mode: RunMode,
}

/// The format of the output, and its destinations.
#[derive(Debug)]
pub struct OutputPlan {
    /// How events are framed.
    pub format: Format,
    /// The schema of an event.
    pub shape: Shape,
    /// How files are compressed.
    pub compression: Compression,
    /// Chosen columns.
    pub fields: Option<Fields>,
    /// Which events are wanted.
    pub filter: Arc<Filter>,
    /// What rules look for beside.
    pub detect: Option<DetectRequest>,
    /// The outputs, each with the streams that go there.
    pub outputs: Vec<PlannedOutput>,
    /// Whether everything goes to a terminal.
    pub to_terminal: bool,
    /// Width, colours and escaping for where it is shown.
    pub render: RenderOptions,
    /// The profile and account of the events.
    pub context: EventContext,
}

/// One output and what goes there.
#[derive(Debug)]
pub struct PlannedOutput {
    /// The destination.
    pub destination: Destination,
    /// The streams, in output order.
    pub streams: Vec<Stream>,
}

/// What stands for itself between braces in the name of an output.
const MARKS: [&str; 4] = ["stream", "profile", "date", "batch"];

/// Where bytes go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Standard output.
    Stdout,
    /// A FIFO or a device: written like standard output.
    Device(PathBuf),
    /// A file.
    File(PathBuf),
    /// A command or an intake, for the batches of each stream; of one stream where a position is kept.
    Receivers(Vec<DeliveryTarget>),
}

impl OutputPlan {
    /// Decides the format, the options and the destinations.
    ///
    /// # Errors
    /// Fails with `Usage` for combinations that cannot work; nothing was requested or written by then.
    pub fn decide(
        source: &impl QuestionSource,
        request: &OutputRequest,
        streams: &[Stream],
    ) -> Result<OutputPlan> {
        let settings = source.settings();
        if let Some(path) = &request.output {
            check_marks(path)?;
        }
        let shape = request.shape.unwrap_or_default();
        let outputs = match &request.delivery {
            Some(delivery) => receivers(delivery, shape, &settings.profile, streams),
            None => outputs(request.output.as_deref(), &settings.profile, streams),
        };
        let to_stdout = outputs.iter().all(|o| o.destination == Destination::Stdout);
        let terminal = request.terminal;
        let to_terminal = terminal.is_terminal && to_stdout;
        if to_terminal && request.resume.as_ref().is_some_and(|resume| resume.consumer.is_none()) {
            return Err(Error::new(ErrorKind::Usage, "--resume to a terminal needs --consumer NAME").hint(
                "name a consumer: without a name this run would take the events of a job that uses the default one",
            ));
        }
        let zone = time_style(&settings.zone);
        let colour = to_stdout && terminal.colour;
        let render = RenderOptions {
            width: (to_terminal && !request.wide).then_some(terminal.width),
            colour,
            escape: to_terminal,
            zone,
            words: request.words,
            csv_bom: request.csv_bom,
        };
        let (format, compression) = format(request, to_terminal)?;
        let plan = OutputPlan {
            format,
            compression,
            shape,
            fields: request.fields.as_deref().map(Fields::parse).transpose()?,
            filter: Arc::clone(&request.filter),
            detect: request.detect.clone(),
            outputs,
            to_terminal,
            render,
            context: EventContext {
                profile: settings.profile.clone(),
                account_uuid: source.account_uuid(),
                host: source.host_name(),
                names: Arc::clone(&request.names),
                adds_names: request.adds_names,
                redaction: Arc::clone(&request.redaction),
                options: shape_options(request, &settings.profile, &settings.tags),
            },
        };
        if plan.detect.is_some() {
            detection::check(streams.len(), plan.outputs.len())?;
        }
        let has_file = plan.outputs.iter().any(|o| matches!(o.destination, Destination::File(_)));
        let is_rolled = request.delivery.as_ref().is_some_and(DeliveryRequest::is_rolled);
        let purpose = match request.resume {
            None => request.purpose,
            Some(_) if is_rolled => OutputUse::RolledFiles,
            Some(_) if has_file => OutputUse::ManagedFile,
            Some(_) => OutputUse::Follow,
        };
        encode::check(plan.format, plan.shape, plan.fields.as_ref(), purpose)?;
        plan.check_place(has_file || is_rolled)?;
        if request.csv_bom && plan.format != Format::Csv {
            let text = format!("--csv-bom is for csv, and the format is {}", plan.format);
            return Err(Error::new(ErrorKind::Usage, text).hint("add --format csv, or leave --csv-bom out"));
        }
        if plan.filter.jq().is_some() {
            encode::check_values(plan.format, plan.shape)?;
        }
        Ok(plan)
    }

    /// Refuses a format that is made for files in other places, and its compression as a whole.
    fn check_place(&self, is_file: bool) -> Result<()> {
        let format = self.format;
        if !format.row().needs_file {
            return Ok(());
        }
        if !is_file {
            let text = format!("{format} is written into files, not to standard output, pipes and devices");
            return Err(Error::new(ErrorKind::Usage, text).hint(format!("add -o FILE.{format}")));
        }
        if self.compression != Compression::None {
            let text = format!("{format} is compressed inside, and cannot be compressed as a whole");
            return Err(Error::new(ErrorKind::Usage, text).hint(format!("end the name with .{format}")));
        }
        Ok(())
    }

    /// An encoder for an output of these streams.
    ///
    /// # Errors
    /// Fails with `Usage` for combinations that cannot be rendered.
    pub fn encoder(&self, streams: &[Stream]) -> Result<EventEncoder> {
        let (fields, render) = (self.fields.clone(), self.render.clone());
        EventEncoder::new(self.format, self.shape, fields, streams, render, self.context.clone())
    }
}

impl Destination {
    /// Has batches that are not taken reported to `health`.
    pub(super) fn report_to(&self, health: &HealthReporter) {
        if let Destination::Receivers(targets) = self {
            targets.iter().for_each(|target| target.report_to(health.clone()));
        }
    }

    /// The destination as messages show it.
    pub fn shown(&self) -> String {
        match self {
            Destination::Stdout => "stdout".to_owned(),
            Destination::Device(path) | Destination::File(path) => {
                sanitize::message(&path.to_string_lossy()).into_owned()
            }
            Destination::Receivers(targets) => targets.first().map(DeliveryTarget::shown).unwrap_or_default(),
        }
    }
}

/// What is added to a profile's events: the tenant, its own tags, and what was typed, which goes first.
fn shape_options(request: &OutputRequest, profile: &str, tags: &[Tag]) -> ShapeOptions {
    let mut options = ShapeOptions { tags: Vec::new(), ..request.options.clone() };
    let tenant = request.names_tenant.then(|| Tag { key: "tenant".into(), value: profile.to_owned() });
    for tag in tenant.iter().chain(tags).chain(&request.options.tags) {
        options.add_tag(tag.clone());
    }
    options
}

/// The streams' names, for people.
pub fn names(streams: &[Stream]) -> String {
    streams.iter().map(|s| s.word()).collect::<Vec<_>>().join(", ")
}

/// The destination of each stream; streams with the same one share an output.
fn outputs(path: Option<&Path>, profile: &str, streams: &[Stream]) -> Vec<PlannedOutput> {
    let mut outputs: Vec<PlannedOutput> = Vec::new();
    for &stream in streams {
        let destination = match path.filter(|path| path.as_os_str() != "-") {
            None => Destination::Stdout,
            Some(path) => {
                let named = marked(path, profile, stream);
                if is_device(&named) { Destination::Device(named) } else { Destination::File(named) }
            }
        };
        match outputs.iter_mut().find(|output| output.destination == destination) {
            Some(output) => output.streams.push(stream),
            None => outputs.push(PlannedOutput { destination, streams: vec![stream] }),
        }
    }
    outputs
}

/// A path with the marks of a stream and a profile replaced; one that is not UTF-8 stays as it is.
pub(super) fn marked(path: &Path, profile: &str, stream: Stream) -> PathBuf {
    match path.to_str() {
        Some(text) => PathBuf::from(text.replace("{stream}", stream.name()).replace("{profile}", profile)),
        None => path.to_owned(),
    }
}

/// A receiver for each stream: its batches, and its position, are its own, so that streams do not wait for
/// each other. Without a position they are read as one: what is asked for counts over all of them, and a batch that
/// is not taken ends the run.
fn receivers(
    delivery: &DeliveryRequest,
    shape: Shape,
    profile: &str,
    streams: &[Stream],
) -> Vec<PlannedOutput> {
    let targets =
        streams.iter().map(|&stream| (stream, DeliveryTarget::new(delivery, profile, stream, shape)));
    if !delivery.is_resumed {
        let destination = Destination::Receivers(targets.map(|(_, target)| target).collect());
        return vec![PlannedOutput { destination, streams: streams.to_vec() }];
    }
    let output = |(stream, target)| PlannedOutput {
        destination: Destination::Receivers(vec![target]),
        streams: vec![stream],
    };
    targets.map(output).collect()
}

/// Refuses a mistyped mark, which would name one file of all streams or profiles.
fn check_marks(path: &Path) -> Result<()> {
    let text = path.to_string_lossy();
    let mistyped =
        text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(mark, _)| mark).find(|mark| {
            let is_word = !mark.is_empty() && mark.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
            is_word && !MARKS.contains(mark)
        });
    let Some(mark) = mistyped else { return Ok(()) };
    let failure = Error::new(ErrorKind::Usage, format!("-o {text}: no such mark {{{mark}}}"));
    Err(match suggest(mark, MARKS) {
        Some(near) => failure.hint(format!("did you mean {{{near}}}?")),
        None => failure.hint("write {stream}, {profile}, {date} or {batch}; there are no others"),
    })
}

/// Whether a path names something that is written like standard output and cannot be replaced.
fn is_device(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| {
        let kind = found.file_type();
        kind.is_fifo() || kind.is_char_device() || kind.is_block_device() || kind.is_socket()
    })
}

/// `--format`, else the format of the file's extension, else the default of the destination.
fn format(request: &OutputRequest, to_terminal: bool) -> Result<(Format, Compression)> {
    let path = request.output.as_deref().filter(|path| path.as_os_str() != "-" && !is_device(path));
    Ok(match (request.format, path) {
        (Some(format), Some(path)) => (format, Compression::of_path(path).0),
        (None, Some(path)) => {
            let (format, compression) = encode::from_path(path)?;
            if compression != Compression::None && Compression::of_path(path).1.extension().is_none() {
                log::warn!(
                    "{} names no format before its last dot: it is written as {format}; --format settles it",
                    sanitize::message(&path.to_string_lossy())
                );
            }
            (format, compression)
        }
        (Some(format), None) => (format, Compression::None),
        (None, None) if request.delivery.is_some() => (Format::Ndjson, Compression::None),
        (None, None) if to_terminal && has_columns(request) => (Format::Table, Compression::None),
        (None, None) => (Format::Ndjson, Compression::None),
    })
}

/// Whether what is written can be laid out in columns.
fn has_columns(request: &OutputRequest) -> bool {
    request.shape.unwrap_or_default().row().has_columns && request.filter.jq().is_none()
}

/// How tables show times in a zone.
pub fn time_style(zone: &Zone) -> TimeStyle {
    match zone {
        Zone::Utc => TimeStyle::utc(),
        zone => {
            let zone = zone.clone();
            TimeStyle::zone(zone.to_string(), move |time| zone.wall_clock(time))
        }
    }
}
