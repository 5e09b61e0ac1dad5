//! What was typed, decided: which streams, in which form, where to, from when to when.

use std::fmt::{self, Write as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use chrono::TimeDelta;

use crate::api::endpoint::BaseUrl;
use crate::cli::{self, FetchArgs, Sort, Zone};
use crate::command::Process;
use crate::command::session::Session;
use crate::config::{self, Settings, terminal};
use crate::event::Stream;
use crate::failure::{Failure, Kind, Result};
use crate::render::{Context, Fields, Format, Look, Renderer, Shape, TimeStyle};
use crate::sanitize;
use crate::stream::range::Range;

/// How long after the range's end an event of it may reach the service, unless `--late` says otherwise.
const LATE: TimeDelta = TimeDelta::days(1);

/// Everything about a fetch but the way to the service.
#[derive(Debug)]
pub(super) struct Plan {
    /// The form of the output.
    pub format: Format,
    /// The schema of an event.
    pub shape: Shape,
    /// Chosen columns.
    pub fields: Option<Fields>,
    /// The outputs, each with the streams that go there.
    pub outputs: Vec<Output>,
    /// The question's range; for a resumed run, where it starts if nothing was saved.
    pub range: Range,
    /// The range's end as it is said to people.
    pub until: chrono::DateTime<chrono::Utc>,
    /// Whether events are to be put strictly in order of time.
    pub by_time: bool,
    zone: Zone,
    look: Look,
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

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Stdout => f.write_str("stdout"),
            Place::Device(path) | Place::File(path) => {
                f.write_str(&sanitize::message(&path.to_string_lossy()))
            }
        }
    }
}

impl Plan {
    /// Decides, and tells the person what was decided for them.
    ///
    /// # Errors
    /// Fails with `Usage` for what cannot be, and as [`Session::streams`] does.
    pub(super) fn make(
        process: &Process,
        session: &Session,
        args: &FetchArgs,
        decided: config::Range,
    ) -> Result<Plan> {
        let settings = &session.settings;
        let zone = settings.zone;
        let streams = session.streams(&args.streams)?;
        let outputs = outputs(args, &settings.profile, &streams);
        let to_terminal = process.stdout_is_terminal && outputs.iter().all(|o| o.place == Place::Stdout);
        if args.resume && to_terminal && args.consumer.is_none() {
            return Err(Failure::new(Kind::Usage, "--resume to a terminal needs --consumer NAME").hint(
                "without a name of its own this would read away the events of a job that uses the default one",
            ));
        }
        let format = format(args, to_terminal);
        let fields = args.fields.as_deref().map(Fields::parse).transpose()?;
        let look = if to_terminal {
            let colour = terminal::colour(
                process.console_args.color,
                &process.environment,
                process.stdout_is_terminal,
            );
            let width = u16::try_from(terminal::width(std::io::stdout())).unwrap_or(u16::MAX);
            Look { width: Some(width), colour, escape: true, zone: time_style(zone) }
        } else {
            Look { zone: time_style(zone), ..Look::plain() }
        };
        let plan = Plan {
            format,
            shape: shape(args),
            fields,
            outputs,
            range: Range {
                since: decided.since,
                until: decided.until_is_typed.then_some(decided.until),
                late: args.late.map_or(LATE, |late| TimeDelta::from_std(late).unwrap_or(TimeDelta::MAX)),
            },
            until: decided.until,
            by_time: args.sort == Some(Sort::Time)
                || args.last.is_some()
                || (args.sort.is_none()
                    && to_terminal
                    && format == Format::Table
                    && args.limit.is_none()
                    && !args.resume),
            zone,
            look,
            context: Context { profile: settings.profile.clone(), account_uuid: session.account_uuid() },
        };
        // Impossible combinations are refused before anything is asked or written.
        plan.renderer(&streams)?;
        if !args.resume {
            process.console.note(&format!(
                "{} from {} to {}",
                names(&streams),
                zone.show(plan.range.since),
                zone.show(plan.until)
            ));
        }
        Ok(plan)
    }

    /// A renderer for an output of these streams.
    ///
    /// # Errors
    /// Fails with `Usage` for combinations that cannot be rendered.
    pub(super) fn renderer(&self, streams: &[Stream]) -> Result<Renderer> {
        let (fields, look) = (self.fields.clone(), self.look.clone());
        Renderer::new(self.format, self.shape, fields, streams, look, self.context.clone())
    }

    /// What would be done, for `--dry-run`.
    pub(super) fn describe(&self, session: &Session) -> String {
        let settings = &session.settings;
        let mut text = format!("profile   {}\nserver    {}\n", settings.profile, session.account.server);
        let _ = writeln!(text, "token     read, not sent");
        let _ = writeln!(text, "api       {}", settings.api);
        let _ = writeln!(
            text,
            "range     {} to {}{}",
            self.zone.show(self.range.since),
            self.zone.show(self.until),
            if self.range.until.is_none() { " (now: cuts nothing)" } else { "" }
        );
        for output in &self.outputs {
            let _ = writeln!(
                text,
                "output    {} -> {} as {} ({})",
                names(&output.streams),
                output.place,
                self.format,
                self.shape
            );
        }
        let _ = write!(text, "nothing was sent and nothing was written");
        text
    }
}

/// Decides the range, before any token is read: what was typed wrong is told first.
///
/// # Errors
/// As [`config::Range::decide`].
pub(super) fn span(process: &Process, settings: &Settings, args: &FetchArgs) -> Result<config::Range> {
    let (since, until) = (args.since.as_ref(), args.until.as_ref());
    let now = process.clock.now();
    let decided = if settings.server.as_ref().is_some_and(BaseUrl::is_loopback) {
        config::Range::decide_for_stand_in(since, until, now, &settings.zone)?
    } else {
        config::Range::decide(since, until, now, &settings.zone)?
    };
    if let Some(warning) = &decided.warning {
        log::warn!("{warning}");
    }
    Ok(decided)
}

fn names(streams: &[Stream]) -> String {
    streams.iter().map(|s| s.name()).collect::<Vec<_>>().join(", ")
}

/// Each stream's place; streams that share one go there together.
fn outputs(args: &FetchArgs, profile: &str, streams: &[Stream]) -> Vec<Output> {
    let mut outputs: Vec<Output> = Vec::new();
    for &stream in streams {
        let place = match &args.output {
            None => Place::Stdout,
            Some(path) if path.as_os_str() == "-" => Place::Stdout,
            Some(path) => {
                // Names are text where the two marks stand; other bytes of a path stay as they are.
                let named = match path.to_str() {
                    Some(text) => {
                        PathBuf::from(text.replace("{stream}", stream.name()).replace("{profile}", profile))
                    }
                    None => path.clone(),
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

fn format(args: &FetchArgs, to_terminal: bool) -> Format {
    match args.format {
        Some(cli::Format::Table) => Format::Table,
        Some(cli::Format::Ndjson) => Format::Ndjson,
        Some(cli::Format::Json) => Format::Json,
        Some(cli::Format::Csv) => Format::Csv,
        None if args.names_a_file() => {
            args.output.as_deref().and_then(Format::from_extension).unwrap_or(Format::Ndjson)
        }
        None if to_terminal => Format::Table,
        None => Format::Ndjson,
    }
}

fn shape(args: &FetchArgs) -> Shape {
    match args.shape.unwrap_or_default() {
        cli::Shape::Raw => Shape::Raw,
        cli::Shape::Envelope => Shape::Envelope,
    }
}

fn time_style(zone: Zone) -> TimeStyle {
    match zone {
        Zone::Utc => TimeStyle::utc(),
        Zone::Local => TimeStyle::zone(chrono::Local, "local"),
        Zone::Named(zone) => TimeStyle::zone(zone, zone.name()),
    }
}
