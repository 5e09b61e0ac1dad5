//! Where events go and in which form: decided once for every command that gives out events.
//!
//! Opens nothing but what [`Form::open_position`] is asked to; what is written, and when, is the commands' matter.

use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::{self, Zone};
use crate::command::Process;
use crate::command::position;
use crate::command::session::Session;
use crate::config::terminal;
use crate::deliver::sink::stream::StreamSink;
use crate::deliver::{Pipeline, Target, Terms};
use crate::disk::{self, RealDisk};
use crate::event::Stream;
use crate::failure::{Failure, Kind, Result};
use crate::health::Work;
use crate::render::{Context, Fields, Format, Look, Renderer, Shape, TimeStyle};
use crate::sanitize;

/// Permissions of a new file, unless `--file-mode` says otherwise.
pub(super) const FILE_MODE: u32 = 0o600;

/// What was typed about the output.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wish<'a> {
    /// `-o`.
    pub output: Option<&'a Path>,
    /// `--format`.
    pub format: Option<cli::Format>,
    /// `--shape`.
    pub shape: Option<cli::Shape>,
    /// `--fields`.
    pub fields: Option<&'a str>,
    /// Where the position is kept, under `--resume`.
    pub saving: Option<Saving<'a>>,
}

/// What was typed about a saved position.
#[derive(Clone, Copy, Debug)]
pub(super) struct Saving<'a> {
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
pub(super) struct Form {
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
    pub look: Look,
    context: Context,
}

/// One output and what goes there.
#[derive(Debug)]
pub(super) struct Output {
    /// Where to.
    pub place: Place,
    /// The streams, in output order.
    pub streams: Vec<Stream>,
}

/// Where bytes go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Standard output.
    Stdout,
    /// A FIFO or a device: written like standard output.
    Device(PathBuf),
    /// A file.
    File(PathBuf),
}

impl Form {
    /// Decides.
    ///
    /// # Errors
    /// Fails with `Usage` for what cannot be; nothing has been asked or written by then.
    pub(super) fn decide(
        process: &Process,
        session: &Session,
        wish: &Wish<'_>,
        streams: &[Stream],
    ) -> Result<Form> {
        let settings = &session.settings;
        let outputs = outputs(wish.output, &settings.profile, streams);
        let to_stdout = outputs.iter().all(|o| o.place == Place::Stdout);
        let to_terminal = process.stdout_is_terminal && to_stdout;
        if to_terminal && wish.saving.is_some_and(|saving| saving.consumer.is_none()) {
            return Err(Failure::new(Kind::Usage, "--resume to a terminal needs --consumer NAME").hint(
                "without a name of its own this would read away the events of a job that uses the default one",
            ));
        }
        let zone = time_style(&settings.zone);
        let choice = process.console_args.color;
        let colour = to_stdout && terminal::colour(choice, &process.environment, process.stdout_is_terminal);
        let look = if to_terminal {
            let width = u16::try_from(terminal::width(std::io::stdout())).unwrap_or(u16::MAX);
            Look { width: Some(width), colour, escape: true, zone }
        } else {
            Look { colour, zone, ..Look::plain() }
        };
        let form = Form {
            format: format(wish, to_terminal),
            shape: shape(wish.shape),
            fields: wish.fields.map(Fields::parse).transpose()?,
            outputs,
            to_terminal,
            look,
            context: Context { profile: settings.profile.clone(), account_uuid: session.account_uuid() },
        };
        form.renderer(streams)?;
        let manages = wish.saving.is_some() && form.outputs.iter().any(|o| matches!(o.place, Place::File(_)));
        if manages && form.format == Format::Table {
            return Err(Failure::new(Kind::Usage, "tables cannot be written with --resume -o")
                .hint("use --format ndjson or csv"));
        }
        Ok(form)
    }

    /// A renderer for an output of these streams.
    ///
    /// # Errors
    /// Fails with `Usage` for combinations that cannot be rendered.
    pub(super) fn renderer(&self, streams: &[Stream]) -> Result<Renderer> {
        let (fields, look) = (self.fields.clone(), self.look.clone());
        Renderer::new(self.format, self.shape, fields, streams, look, self.context.clone())
    }

    /// Opens the saved position of an output, and the output itself.
    ///
    /// # Errors
    /// As [`Pipeline::open`].
    pub(super) fn open_position(
        &self,
        process: &Process,
        session: &Session,
        output: &Output,
        saving: &Saving<'_>,
    ) -> Result<Pipeline> {
        let terms = Terms {
            account: session.account_uuid(),
            host: session.home(),
            api: session.settings.api.name().into(),
            shape: self.shape.name().into(),
            format: self.format.name().into(),
            fields: self.fields.iter().map(ToString::to_string).collect(),
        };
        let stream = |default: &str, sink| {
            let consumer = saving.consumer.unwrap_or(default).to_owned();
            Target::Stream { consumer, sink: Box::new(sink) }
        };
        position::open(process, session, terms, saving, || {
            Ok(match &output.place {
                // What goes to nobody must not count as delivered (P1).
                Place::Stdout if disk::real::stdout_is_missing() => {
                    return Err(Failure::new(Kind::Output, "stdout is closed").hint(
                        "give --resume a place with -o, or say > /dev/null if the events may be lost",
                    ));
                }
                Place::Stdout => stream("stdout", StreamSink::stdout()?),
                Place::Device(path) => stream(&path.to_string_lossy(), StreamSink::at(&RealDisk, path)?),
                Place::File(path) => {
                    Target::File { path: path.clone(), mode: saving.file_mode.unwrap_or(FILE_MODE) }
                }
            })
        })
    }
}

impl Place {
    /// The place as people are told of it.
    pub(super) fn shown(&self) -> String {
        match self {
            Place::Stdout => "stdout".to_owned(),
            Place::Device(path) | Place::File(path) => {
                sanitize::message(&path.to_string_lossy()).into_owned()
            }
        }
    }
}

/// The streams' names, for people.
pub(super) fn names(streams: &[Stream]) -> String {
    streams.iter().map(|s| s.name()).collect::<Vec<_>>().join(", ")
}

/// Each stream's place; streams that share one go there together.
fn outputs(path: Option<&Path>, profile: &str, streams: &[Stream]) -> Vec<Output> {
    let mut outputs: Vec<Output> = Vec::new();
    for &stream in streams {
        let place = match path.filter(|path| path.as_os_str() != "-") {
            None => Place::Stdout,
            Some(path) => {
                // Names are text where the two marks stand; other bytes of a path stay as they are.
                let named = match path.to_str() {
                    Some(text) => {
                        PathBuf::from(text.replace("{stream}", stream.name()).replace("{profile}", profile))
                    }
                    None => path.to_owned(),
                };
                if is_device(&named) { Place::Device(named) } else { Place::File(named) }
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

fn format(wish: &Wish<'_>, to_terminal: bool) -> Format {
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
