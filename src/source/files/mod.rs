//! Events from files: no network, no account, no saved position.
//!
//! ```text
//! input      what was named: files, folders, standard input
//! decode     what an input is, by its first bytes: gzip, zstd, lines or a document
//! document   JSON that spans lines becomes a value a line
//! blocks     whole lines, as many as fit into a buffer
//! line       a line's events: as they are, in an envelope, a list, an answer of the API
//! text_search which lines may hold a wanted event, by a text in them
//! value_search the same, by the values under a key
//! worker     a block becomes a page
//! judge      asks the filter on the thread that read the event
//! accounts   the accounts that envelopes name
//! report     refused lines and broken files
//! ```
//!
//! Events come in the order of the inputs and of the lines in them. One thread reads, others look at blocks, and
//! pages are given in the order of the blocks: the number of threads changes nothing but the time. Memory is a
//! few blocks.
//!
//! An event's stream is what the label around it says, else the name of its file, else its keys, else what the
//! query says; a line of which nothing says it is refused. A refused line stops nothing, unless the query is
//! strict.

mod accounts;
mod blocks;
mod decode;
mod document;
mod input;
mod judge;
mod line;
mod report;
mod text_search;
mod value_search;
mod worker;

use std::sync::Arc;
use std::thread;

use chrono::{DateTime, Utc};
use crossbeam_channel::{Receiver, Sender, bounded, select};

pub use self::accounts::Accounts;
pub use self::input::Input;
pub use self::judge::{Judge, Judgement};
pub use self::report::FileReport;
pub use self::text_search::TextSearch;
pub use self::value_search::ValueSearch;

use self::blocks::{BLOCK, BlockReader, LineBlock};
use self::decode::DecodedInput;
use self::report::FileLines;
use self::worker::{BlockParser, ParsedBlock};
use crate::cancel::Cancel;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::limits;
use crate::page::Page;
use crate::source::PageSource;

/// The most threads that look at blocks.
const MOST_WORKERS: usize = 16;

/// How many buffers are kept for the next blocks.
const SPARE_BUFFERS: usize = 64;

/// What is read of files.
#[derive(Debug)]
pub struct FileQuery {
    /// The files, in order.
    pub inputs: Vec<Input>,
    /// The streams that are wanted.
    pub streams: Vec<Stream>,
    /// The stream of events of which nothing else tells it.
    pub fallback: Option<Stream>,
    /// Whether the first refused line ends the reading with a failure.
    pub is_strict: bool,
    /// Tells lines that may hold wanted events; the others are passed over. None where every line is parsed.
    pub search: Option<LineSearch>,
    /// Asks of events whether they are wanted, on the threads that read them. None where that is asked later.
    pub judge: Option<Box<dyn Judge>>,
    /// How many threads look at blocks; none for as many as the machine runs at once.
    pub workers: Option<usize>,
    /// The time of reading of events whose file does not say it.
    pub now: DateTime<Utc>,
}

/// How lines that may hold wanted events are told from others.
#[derive(Clone, Debug)]
pub enum LineSearch {
    /// By texts in them.
    Texts(TextSearch),
    /// By the values under a key.
    Values(ValueSearch),
}

/// The pages of files.
#[derive(Debug)]
pub struct FilePages {
    inputs: Vec<Input>,
    is_strict: bool,
    report: Arc<FileReport>,
    /// The workers' answers; they take turns.
    parsed: Vec<Receiver<FileStep<ParsedBlock>>>,
    turn: usize,
    file: FileLines,
    cancel: Cancel,
}

/// What the reading thread gives to the workers, and these to the reader of pages.
#[derive(Debug)]
enum FileStep<T> {
    /// Lines of an input, or values of a document.
    Block { input: usize, is_document: bool, block: T },
    /// The end of an input, or why there is no more of it.
    InputEnds { input: usize, outcome: Result<()> },
    /// The end of all.
    End,
}

/// The thread that reads, and where its blocks go.
struct FileReader {
    inputs: Vec<Input>,
    workers: Vec<Sender<FileStep<LineBlock>>>,
    turn: usize,
    spare: Receiver<Vec<u8>>,
}

/// A way back for buffers that are done with.
pub type SpareBuffers = Sender<Vec<u8>>;

/// How many threads look at blocks where so many are wanted; none for as many as the machine runs at once.
pub fn worker_count(wanted: Option<usize>) -> usize {
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    wanted.unwrap_or_else(cores).clamp(1, MOST_WORKERS)
}

/// Starts reading. Gives the pages, and where their bodies can be sent to be used again.
///
/// The threads end by themselves when everything was read or the pages are dropped; they are not joined, because
/// a pipe may stay silent for longer than the run.
///
/// # Errors
/// Fails when no thread can be started.
pub fn start(
    query: &FileQuery,
    accounts: &Arc<Accounts>,
    report: &Arc<FileReport>,
    cancel: &Cancel,
) -> Result<(FilePages, SpareBuffers)> {
    let cannot = |e| Error::new(ErrorKind::Unexpected, "cannot start a thread").because(e);
    let count = worker_count(query.workers);
    let (give_back, spare) = bounded(SPARE_BUFFERS);
    let (mut workers, mut parsed) = (Vec::new(), Vec::new());
    for number in 0..count {
        let (to_worker, blocks) = bounded(1);
        let (answers, from_worker) = bounded(1);
        let parser = BlockParser::new(query, accounts);
        let named: Vec<_> = query.inputs.iter().map(Input::named_stream).collect();
        let mut thread = thread::Builder::new().name(format!("parse {}", number + 1));
        if query.judge.is_some() {
            thread = thread.stack_size(limits::FILTER_STACK);
        }
        thread.spawn(move || work(&blocks, &answers, parser, &named)).map_err(cannot)?;
        workers.push(to_worker);
        parsed.push(from_worker);
    }
    let reader = FileReader { inputs: query.inputs.clone(), workers, turn: 0, spare };
    thread::Builder::new().name("read files".into()).spawn(move || reader.run()).map_err(cannot)?;
    let pages = FilePages {
        inputs: query.inputs.clone(),
        is_strict: query.is_strict,
        report: Arc::clone(report),
        parsed,
        turn: 0,
        file: FileLines::default(),
        cancel: cancel.clone(),
    };
    Ok((pages, give_back))
}

/// Looks at blocks until there are no more, or nobody wants them.
fn work(
    blocks: &Receiver<FileStep<LineBlock>>,
    answers: &Sender<FileStep<ParsedBlock>>,
    mut parser: BlockParser,
    named: &[Option<Stream>],
) {
    for step in blocks {
        let step = match step {
            FileStep::Block { input, is_document, block } => {
                let block = parser.parse(block, named.get(input).copied().flatten());
                FileStep::Block { input, is_document, block }
            }
            FileStep::InputEnds { input, outcome } => FileStep::InputEnds { input, outcome },
            FileStep::End => FileStep::End,
        };
        if answers.send(step).is_err() {
            return;
        }
    }
}

impl FileReader {
    /// Reads every input; ends early when nobody wants its blocks.
    fn run(mut self) {
        for (number, input) in std::mem::take(&mut self.inputs).iter().enumerate() {
            let outcome = decode::open(input).and_then(|decoded| self.read(number, input, decoded));
            if !self.give(FileStep::InputEnds { input: number, outcome }) {
                return;
            }
        }
        self.give(FileStep::End);
    }

    fn read(&mut self, number: usize, input: &Input, decoded: DecodedInput) -> Result<()> {
        let DecodedInput { lines, is_live, is_document } = decoded;
        let mut blocks = BlockReader::new(lines, is_live);
        let failed = |error| {
            Error::new(ErrorKind::Input, format!("{} cannot be read to its end", input.shown()))
                .because(error)
                .hint("what comes before was read; get a whole copy of it")
        };
        loop {
            let buffer = self.spare.try_recv().unwrap_or_default();
            let Some(block) = blocks.next(buffer).map_err(failed)? else { return Ok(()) };
            if !self.give(FileStep::Block { input: number, is_document, block }) {
                return Ok(());
            }
        }
    }

    /// Gives a step to the next worker; false when nobody wants it.
    fn give(&mut self, step: FileStep<LineBlock>) -> bool {
        let worker = self.turn;
        self.turn = (self.turn + 1) % self.workers.len();
        self.workers[worker].send(step).is_ok()
    }
}

impl FilePages {
    fn next_step(&mut self) -> Result<FileStep<ParsedBlock>> {
        let parsed = &self.parsed[self.turn];
        self.turn = (self.turn + 1) % self.parsed.len();
        select! {
            // A channel that closes early is a thread that is gone, and not the end (P1).
            recv(parsed) -> step => step.map_err(|_| {
                Error::new(ErrorKind::Unexpected, "a thread that reads files is gone")
                    .hint("report this bug with what was said before")
            }),
            recv(self.cancel.channel()) -> _ => Err(self.cancel.failure()),
        }
    }

    /// Notes what is to be told of an input that has ended.
    fn input_ended(&mut self, input: usize, outcome: Result<()>) {
        let file = std::mem::take(&mut self.file);
        if let Some(failure) = file.failure(&self.inputs[input]) {
            self.report.add_refused(failure);
            if file.is_useless() {
                self.report.add_useless();
            }
        }
        if let Err(failure) = outcome {
            self.report.add_broken(failure);
        }
    }
}

impl PageSource for FilePages {
    fn next_page(&mut self) -> Result<Option<Page>> {
        loop {
            self.cancel.check()?;
            match self.next_step()? {
                FileStep::End => return Ok(None),
                FileStep::InputEnds { input, outcome } => self.input_ended(input, outcome),
                FileStep::Block {
                    input,
                    is_document,
                    block: ParsedBlock { page, lines, passed, unwanted, refused },
                } => {
                    self.file.add(lines, is_document, refused);
                    self.report.add_passed(passed, unwanted);
                    if self.is_strict
                        && let Some(failure) = self.file.failure(&self.inputs[input])
                    {
                        return Err(failure);
                    }
                    return Ok(Some(page));
                }
            }
        }
    }
}

/// Whether a buffer is worth keeping.
pub fn is_reusable(body: &[u8]) -> bool {
    (BLOCK..=2 * BLOCK).contains(&body.len())
}
