//! Where events go and in which form: decided once for every command that gives out events.
//!
//! Opens nothing but what [`OutputPlan::open_position`] is asked to; what is written, and when, is the commands' matter.

use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::{self};
use crate::command::Invocation;
use crate::command::position;
use crate::command::session::Session;
use crate::config::terminal;
use crate::disk::{self, RealDisk};
use crate::encode::{EventContext, EventEncoder, Fields, Format, RenderOptions, Shape, TimeStyle};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::health::Work;
use crate::output::sink::stream::StreamSink;
use crate::output::{CheckpointedOutput, OutputContract, OutputTarget};
use crate::sanitize;
use crate::time::Zone;

/// Permissions of a new file, unless `--file-mode` says otherwise.
pub(super) const FILE_MODE: u32 = 0o600;

/// What was typed about the output.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OutputArgs<'a> {
    /// `-o`.
    pub output: Option<&'a Path>,
    /// `--format`.
    pub format: Option<cli::Format>,
    /// `--shape`.
    pub shape: Option<cli::Shape>,
    /// `--fields`.
    pub fields: Option<&'a str>,
    /// Where the position is kept, under `--resume`.
    pub saving: Option<ResumeOptions<'a>>,
}

/// What was typed about a saved position.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResumeOptions<'a> {
    /// `--consumer`.
    pub consumer: Option<&'a str>,
    /// `--lock-wait`.
    pub lock_wait: Option<Duration>,
    /// `--file-mode`.
    pub file_mode: Option<u32>,
    /// Whether the run is to end by itself, for `opev status`.
    pub work: Work,
}

/// The form of the output, and its places.
#[derive(Debug)]
pub(super) struct OutputPlan {
    /// How events are framed.
    pub format: Format,
    /// The schema of an event.
    pub shape: Shape,
    /// Chosen columns.
    pub fields: Option<Fields>,
    /// The outputs, each with the streams that go there.
    pub outputs: Vec<Output>,
    /// Whether a person's terminal is what all of it goes to.
    pub to_terminal: bool,
    /// What the place where it is read can show.
    pub look: RenderOptions,
    context: EventContext,
}

/// One output and what goes there.
#[derive(Debug)]
pub(super) struct Output {
    /// Where to.
    pub place: Destination,
    /// The streams, in output order.
    pub streams: Vec<Stream>,
}

/// Where bytes go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
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
    pub(super) fn decide(
        invocation: &Invocation,
        session: &Session,
        wish: &OutputArgs<'_>,
        streams: &[Stream],
    ) -> Result<OutputPlan> {
        let settings = &session.settings;
        let outputs = outputs(wish.output, &settings.profile, streams);
        let to_stdout = outputs.iter().all(|o| o.place == Destination::Stdout);
        let to_terminal = invocation.stdout_is_terminal && to_stdout;
        if to_terminal && wish.saving.is_some_and(|saving| saving.consumer.is_none()) {
            return Err(Error::new(ErrorKind::Usage, "--resume to a terminal needs --consumer NAME").hint(
                "without a name of its own this would read away the events of a job that uses the default one",
            ));
        }
        let zone = time_style(&settings.zone);
        let choice = invocation.console_args.color;
        let colour =
            to_stdout && terminal::colour(choice, &invocation.environment, invocation.stdout_is_terminal);
        let look = if to_terminal {
            let width = u16::try_from(terminal::width(std::io::stdout())).unwrap_or(u16::MAX);
            RenderOptions { width: Some(width), colour, escape: true, zone }
        } else {
            RenderOptions { colour, zone, ..RenderOptions::plain() }
        };
        let form = OutputPlan {
            format: format(wish, to_terminal),
            shape: shape(wish.shape),
            fields: wish.fields.map(Fields::parse).transpose()?,
            outputs,
            to_terminal,
            look,
            context: EventContext { profile: settings.profile.clone(), account_uuid: session.account_uuid() },
        };
        form.renderer(streams)?;
        let manages =
            wish.saving.is_some() && form.outputs.iter().any(|o| matches!(o.place, Destination::File(_)));
        if manages && form.format == Format::Table {
            return Err(Error::new(ErrorKind::Usage, "tables cannot be written with --resume -o")
                .hint("use --format ndjson or csv"));
        }
        Ok(form)
    }

    /// A renderer for an output of these streams.
    ///
    /// # Errors
    /// Fails with `Usage` for combinations that cannot be rendered.
    pub(super) fn renderer(&self, streams: &[Stream]) -> Result<EventEncoder> {
        let (fields, look) = (self.fields.clone(), self.look.clone());
        EventEncoder::new(self.format, self.shape, fields, streams, look, self.context.clone())
    }

    /// Opens the saved position of an output, and the output itself.
    ///
    /// # Errors
    /// As [`CheckpointedOutput::open`].
    pub(super) fn open_position(
        &self,
        invocation: &Invocation,
        session: &Session,
        output: &Output,
        saving: &ResumeOptions<'_>,
    ) -> Result<CheckpointedOutput> {
        let terms = OutputContract {
            account: session.account_uuid(),
            host: session.home(),
            api: session.settings.api.name().into(),
            shape: self.shape.name().into(),
            format: self.format.name().into(),
            fields: self.fields.iter().map(ToString::to_string).collect(),
        };
        let stream = |default: &str, sink| {
            let consumer = saving.consumer.unwrap_or(default).to_owned();
            OutputTarget::Stream { consumer, sink: Box::new(sink) }
        };
        position::open(invocation, session, terms, saving, || {
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
                    OutputTarget::File { path: path.clone(), mode: saving.file_mode.unwrap_or(FILE_MODE) }
                }
            })
        })
    }
}

impl Destination {
    /// The place as people are told of it.
    pub(super) fn shown(&self) -> String {
        match self {
            Destination::Stdout => "stdout".to_owned(),
            Destination::Device(path) | Destination::File(path) => {
                sanitize::message(&path.to_string_lossy()).into_owned()
            }
        }
    }
}

/// The streams' names, for people.
pub(super) fn names(streams: &[Stream]) -> String {
    streams.iter().map(|s| s.word()).collect::<Vec<_>>().join(", ")
}

/// Each stream's place; streams that share one go there together.
fn outputs(path: Option<&Path>, profile: &str, streams: &[Stream]) -> Vec<Output> {
    let mut outputs: Vec<Output> = Vec::new();
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
            None => outputs.push(Output { place, streams: vec![stream] }),
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

fn format(wish: &OutputArgs<'_>, to_terminal: bool) -> Format {
    match wish.format {
        Some(cli::Format::Table) => Format::Table,
        Some(cli::Format::Ndjson) => Format::Ndjson,
        Some(cli::Format::Json) => Format::Json,
        Some(cli::Format::Csv) => Format::Csv,
        None => match wish.output.filter(|path| path.as_os_str() != "-") {
            Some(path) => Format::from_extension(path).unwrap_or(Format::Ndjson),
            None if to_terminal => Format::Table,
            None => Format::Ndjson,
        },
    }
}

fn shape(typed: Option<cli::Shape>) -> Shape {
    match typed.unwrap_or_default() {
        cli::Shape::Raw => Shape::Raw,
        cli::Shape::Envelope => Shape::Envelope,
    }
}

/// How tables show times in a zone.
pub(super) fn time_style(zone: &Zone) -> TimeStyle {
    match zone {
        Zone::Utc => TimeStyle::utc(),
        zone => {
            let zone = zone.clone();
            TimeStyle::zone(zone.to_string(), move |time| zone.wall_clock(time))
        }
    }
}
