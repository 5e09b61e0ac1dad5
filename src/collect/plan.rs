//! Where events go and in which form: decided once, before anything is asked or written.
//!
//! Opens nothing but what [`OutputPlan::open_position`] is asked to.

use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::position;
use super::session::Session;
use crate::compression::Compression;
use crate::disk::{self, RealDisk};
use crate::encode::{
    self, EventContext, EventEncoder, Fields, Format, OutputUse, RenderOptions, Shape, TimeStyle,
};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::health::RunMode;
use crate::output::sink::stream::StreamSink;
use crate::output::{CheckpointedOutput, OutputContract, OutputTarget};
use crate::runtime::Runtime;
use crate::sanitize;
use crate::time::Zone;

/// Permissions of a new file, unless `--file-mode` says otherwise.
pub const FILE_MODE: u32 = 0o600;

/// What is wanted of the output.
#[derive(Clone, Debug)]
pub struct OutputRequest {
    /// The file; `-` or none is standard output.
    pub output: Option<PathBuf>,
    /// How events are framed; none lets the file's extension or the terminal decide.
    pub format: Option<Format>,
    /// The schema of an event.
    pub shape: Option<Shape>,
    /// Chosen columns.
    pub fields: Option<String>,
    /// Where the position is kept, under `--resume`.
    pub resume: Option<ResumeOptions>,
    /// What becomes of the output where no position is kept.
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

/// How a position is kept.
#[derive(Clone, Debug)]
pub struct ResumeOptions {
    /// The consumer's name, where the output is not a file.
    pub consumer: Option<String>,
    /// How long another run that holds the lock is waited for.
    pub lock_wait: Option<Duration>,
    /// Permissions of a new file.
    pub file_mode: Option<u32>,
    /// Whether the run is to end by itself, for `opev status`.
    pub mode: RunMode,
}

/// The form of the output, and its places.
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
    /// The outputs, each with the streams that go there.
    pub outputs: Vec<PlannedOutput>,
    /// Whether a person's terminal is what all of it goes to.
    pub to_terminal: bool,
    /// What the place where it is read can show.
    pub look: RenderOptions,
    /// Whose events they are.
    pub context: EventContext,
}

/// One output and what goes there.
#[derive(Debug)]
pub struct PlannedOutput {
    /// Where to.
    pub place: Destination,
    /// The streams, in output order.
    pub streams: Vec<Stream>,
}

/// Where bytes go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Standard output.
    Stdout,
    /// A FIFO or a device: written like standard output.
    Device(PathBuf),
    /// A file.
    File(PathBuf),
}

impl OutputPlan {
    /// Decides.
    ///
    /// # Errors
    /// Fails with `Usage` for what cannot be; nothing has been asked or written by then.
    pub fn decide(session: &Session, request: &OutputRequest, streams: &[Stream]) -> Result<OutputPlan> {
        let settings = &session.settings;
        let outputs = outputs(request.output.as_deref(), &settings.profile, streams);
        let to_stdout = outputs.iter().all(|o| o.place == Destination::Stdout);
        let terminal = request.terminal;
        let to_terminal = terminal.is_terminal && to_stdout;
        if to_terminal && request.resume.as_ref().is_some_and(|resume| resume.consumer.is_none()) {
            return Err(Error::new(ErrorKind::Usage, "--resume to a terminal needs --consumer NAME").hint(
                "name a consumer: without a name of its own this would read away the events of a job that uses \
                 the default one",
            ));
        }
        let zone = time_style(&settings.zone);
        let colour = to_stdout && terminal.colour;
        let look = if to_terminal {
            RenderOptions {
                width: Some(terminal.width),
                colour,
                escape: true,
                zone,
                ..RenderOptions::plain()
            }
        } else {
            RenderOptions { colour, zone, ..RenderOptions::plain() }
        };
        let (format, compression) = format(request, to_terminal)?;
        let form = OutputPlan {
            format,
            compression,
            shape: request.shape.unwrap_or_default(),
            fields: request.fields.as_deref().map(Fields::parse).transpose()?,
            outputs,
            to_terminal,
            look,
            context: EventContext {
                profile: settings.profile.clone(),
                account_uuid: session.account_uuid(),
                host: session.account.server.host_name().into(),
            },
        };
        let has_file = form.outputs.iter().any(|o| matches!(o.place, Destination::File(_)));
        let purpose = match request.resume {
            None => request.purpose,
            Some(_) if has_file => OutputUse::ManagedFile,
            Some(_) => OutputUse::Follow,
        };
        encode::check(form.format, form.shape, form.fields.as_ref(), purpose)?;
        Ok(form)
    }

    /// An encoder for an output of these streams.
    ///
    /// # Errors
    /// Fails with `Usage` for combinations that cannot be rendered.
    pub fn encoder(&self, streams: &[Stream]) -> Result<EventEncoder> {
        let (fields, look) = (self.fields.clone(), self.look.clone());
        EventEncoder::new(self.format, self.shape, fields, streams, look, self.context.clone())
    }

    /// Opens the saved position of an output, and the output itself.
    ///
    /// # Errors
    /// As [`CheckpointedOutput::open`].
    pub fn open_position(
        &self,
        runtime: &Runtime,
        session: &Session,
        output: &PlannedOutput,
        options: &ResumeOptions,
    ) -> Result<CheckpointedOutput> {
        let encoder = self.encoder(&output.streams)?;
        let terms = OutputContract {
            account: session.account_uuid(),
            host: session.home(),
            api: session.settings.api.name().into(),
            shape: self.shape.name().into(),
            format: self.format.name().into(),
            fields: self.fields.iter().map(ToString::to_string).collect(),
            encoder: encoder.version(),
            columns: encoder.columns().unwrap_or_default(),
            compression: self.compression,
            streams: output.streams.iter().map(|stream| stream.name().to_owned()).collect(),
            ..OutputContract::default()
        };
        let stream = |default: &str, sink| {
            let consumer = options.consumer.as_deref().unwrap_or(default).to_owned();
            OutputTarget::Stream { consumer, sink: Box::new(sink) }
        };
        position::open(runtime, session, terms, options, || {
            Ok(match &output.place {
                // What goes to nobody must not count as delivered (P1).
                Destination::Stdout if disk::real::stdout_is_missing() => {
                    return Err(Error::new(ErrorKind::Output, "stdout is closed").hint(
                        "give --resume a place with -o, or say > /dev/null if the events may be lost",
                    ));
                }
                Destination::Stdout => stream("stdout", StreamSink::stdout()?),
                Destination::Device(path) => {
                    stream(&path.to_string_lossy(), StreamSink::at(&RealDisk, path)?)
                }
                Destination::File(path) => {
                    OutputTarget::File { path: path.clone(), mode: options.file_mode.unwrap_or(FILE_MODE) }
                }
            })
        })
    }
}

impl Destination {
    /// The place as people are told of it.
    pub fn shown(&self) -> String {
        match self {
            Destination::Stdout => "stdout".to_owned(),
            Destination::Device(path) | Destination::File(path) => {
                sanitize::message(&path.to_string_lossy()).into_owned()
            }
        }
    }
}

/// The streams' names, for people.
pub fn names(streams: &[Stream]) -> String {
    streams.iter().map(|s| s.word()).collect::<Vec<_>>().join(", ")
}

/// Each stream's place; streams that share one go there together.
fn outputs(path: Option<&Path>, profile: &str, streams: &[Stream]) -> Vec<PlannedOutput> {
    let mut outputs: Vec<PlannedOutput> = Vec::new();
    for &stream in streams {
        let place = match path.filter(|path| path.as_os_str() != "-") {
            None => Destination::Stdout,
            Some(path) => {
                // Names are text where the two marks stand; other bytes of a path stay as they are.
                let named = match path.to_str() {
                    Some(text) => {
                        PathBuf::from(text.replace("{stream}", stream.name()).replace("{profile}", profile))
                    }
                    None => path.to_owned(),
                };
                if is_device(&named) { Destination::Device(named) } else { Destination::File(named) }
            }
        };
        match outputs.iter_mut().find(|output| output.place == place) {
            Some(output) => output.streams.push(stream),
            None => outputs.push(PlannedOutput { place, streams: vec![stream] }),
        }
    }
    outputs
}

/// Whether a path names something that is written like standard output and cannot be replaced.
fn is_device(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| {
        let kind = found.file_type();
        kind.is_fifo() || kind.is_char_device() || kind.is_block_device() || kind.is_socket()
    })
}

/// The format that was typed, else the one that the file's name asks for, else the place's own.
fn format(request: &OutputRequest, to_terminal: bool) -> Result<(Format, Compression)> {
    let path = request.output.as_deref().filter(|path| path.as_os_str() != "-" && !is_device(path));
    Ok(match (request.format, path) {
        (Some(format), Some(path)) => (format, Compression::of_path(path).0),
        (None, Some(path)) => encode::from_path(path)?,
        (Some(format), None) => (format, Compression::None),
        (None, None) if to_terminal && request.shape.unwrap_or_default().row().has_columns => {
            (Format::Table, Compression::None)
        }
        (None, None) => (Format::Ndjson, Compression::None),
    })
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
