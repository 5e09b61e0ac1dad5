//! Files as the source of a question.

use std::path::Path;
use std::sync::Arc;

use super::plan::PlannedOutput;
use super::question::{OpenSource, QuestionSource, SourceEnd};
use super::reader::StreamReader;
use super::selector::FilterJudge;
use super::session::{Connections, IntakeConnections};
use crate::config::Settings;
use crate::encode::Redaction;
use crate::error::Result;
use crate::event::Stream;
use crate::page::Page;
use crate::runtime::Runtime;
use crate::select::Filter;
use crate::source::dedup::Dedup;
use crate::source::files::{
    self, Accounts, FileQuery, FileReport, Input, Judge, LineSearch, TextSearch, ValueSearch,
};
use crate::source::range::TimeRange;
use crate::time::Zone;

/// How many events are remembered, so that repeats are left out: files that overlap are told apart over so many.
const REMEMBERED: usize = 100_000;

/// Files, and how they are read.
#[derive(Clone, Debug)]
pub struct FileSource {
    settings: Settings,
    inputs: Vec<Input>,
    fallback: Option<Stream>,
    is_strict: bool,
    search: Option<LineSearch>,
    /// The filter, where it is asked on the threads that read, and what it must not see.
    filter: Option<(Arc<Filter>, Arc<Redaction>)>,
    workers: Option<u8>,
    /// Whether refused lines are told: not by the second output of a run, which reads the same files.
    tells: bool,
    report: Arc<FileReport>,
    /// For intakes of batches.
    connections: Arc<Connections>,
}

impl FileSource {
    /// These files. `fallback` is the stream of events that do not tell it; `filter` says what is wanted of them,
    /// so that lines without it are passed over, and what is masked before it is asked in jq's language; `workers` is how many threads look at them.
    pub fn new(
        settings: Settings,
        inputs: Vec<Input>,
        fallback: Option<Stream>,
        is_strict: bool,
        workers: Option<u8>,
        (filter, redaction): (&Filter, &Redaction),
    ) -> Self {
        // A strict reading looks at every line.
        let search = if is_strict { None } else { line_search(filter, redaction) };
        let (report, connections) = (Arc::default(), Arc::default());
        FileSource {
            settings,
            inputs,
            fallback,
            is_strict,
            search,
            filter: None,
            workers,
            tells: true,
            report,
            connections,
        }
    }

    /// Asks the filter where events are read, so that it is asked on several threads; without this all that may be
    /// wanted is given.
    #[must_use]
    pub fn selecting(mut self, filter: &Arc<Filter>, redaction: &Arc<Redaction>) -> Self {
        self.filter = (!filter.is_empty()).then(|| (Arc::clone(filter), Arc::clone(redaction)));
        self
    }

    /// The same files, read for the output of this number.
    #[must_use]
    pub fn for_output(&self, number: usize) -> Self {
        FileSource { report: Arc::default(), tells: number == 0, ..self.clone() }
    }

    /// Whether one of them is standard input.
    pub fn reads_stdin(&self) -> bool {
        self.inputs.contains(&Input::Stdin)
    }

    /// The zone of times.
    pub fn zone(&self) -> &Zone {
        &self.settings.zone
    }

    /// The files as messages show them.
    pub fn shown(&self) -> String {
        match &self.inputs[..] {
            [one] => one.shown(),
            inputs => format!("{} files", inputs.len()),
        }
    }
}

/// How lines that may hold an event that the filter wants are told from others; texts are found fastest.
fn line_search(filter: &Filter, redaction: &Redaction) -> Option<LineSearch> {
    let texts = filter.needed_texts().and_then(TextSearch::new);
    let value = || {
        let value = filter.needed_value()?;
        Some(LineSearch::Values(ValueSearch::new(&value.keys, value.is_wanted)))
    };
    let of_jq = || {
        // What is masked may be what it asks for.
        let texts = filter.jq().filter(|_| redaction.is_empty())?.needed_texts()?;
        TextSearch::new(texts).map(LineSearch::Texts)
    };
    texts.map(LineSearch::Texts).or_else(value).or_else(of_jq)
}

impl QuestionSource for FileSource {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn state_dir(&self) -> Result<Option<&Path>> {
        Ok(self.settings.state_dir().ok())
    }

    fn account_uuid(&self) -> Option<String> {
        None
    }

    fn host_name(&self) -> String {
        String::new()
    }

    fn begun(&self) -> String {
        format!("reading {}", self.shown())
    }

    fn intake_connections(&self, runtime: &Runtime) -> Result<IntakeConnections> {
        self.connections.for_intake(runtime, &self.settings)
    }

    fn open(&self, runtime: &Runtime, range: &TimeRange, output: &PlannedOutput) -> Result<OpenSource<'_>> {
        let judge = |(filter, redaction): &(_, _)| -> Box<dyn Judge> {
            Box::new(FilterJudge::new(filter, redaction, *range))
        };
        let query = FileQuery {
            inputs: self.inputs.clone(),
            streams: output.streams.clone(),
            fallback: self.fallback,
            is_strict: self.is_strict,
            search: self.search.clone(),
            judge: self.filter.as_ref().map(judge),
            workers: self.workers.map(usize::from),
            now: runtime.clock.now(),
        };
        let accounts = Arc::new(Accounts::default());
        let (pages, spare) = files::start(&query, &accounts, &self.report, &runtime.cancel)?;
        let first = output.streams.first().copied().unwrap_or(Stream::SignInAttempts);
        Ok(OpenSource {
            readers: vec![StreamReader::of_several(first, Dedup::remembering(REMEMBERED, pages))],
            reuse: Box::new(move |page: Page| {
                if files::is_reusable(&page.body) {
                    // A full store of buffers keeps no more.
                    let _ = spare.try_send(page.body);
                }
            }),
            accounts: Some(Box::new(move |number| {
                accounts.get(number).map(|account| (account.profile, account.account_uuid))
            })),
        })
    }

    fn fold_threads(&self) -> usize {
        files::worker_count(self.workers.map(usize::from))
    }

    fn conclude(&self, _: &PlannedOutput) -> SourceEnd {
        let left_out = self.report.take_refused();
        let done = if self.is_strict { 1 } else { self.inputs.len() };
        SourceEnd {
            broken: self.report.take_broken(),
            left_out: if self.tells { left_out } else { Vec::new() },
            passed: self.report.passed(),
            unwanted: self.report.unwanted(),
            parts: done.saturating_sub(self.report.useless()),
        }
    }
}
