//! `--jq`: a filter in jq's language, run on one event at a time by jaq.
//!
//! Its input is the event as the service sent it; `$stream` is the name of its stream, as the API has it. What it
//! yields decides: nothing leaves the event out, the event itself keeps it byte for byte, and anything else is
//! written instead of it. Nothing in it reads files, the environment or the other events.
//!
//! Events are hostile: the nesting that is read and what one event may yield have limits. A filter has one, too: jaq
//! reads and runs an expression within a call for each of its parts, and the stack has an end.

use std::fmt;
use std::rc::Rc;

use jaq_core::data::JustLut;
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars, compile};
use jaq_json::{Num, Val, read, write};
use memchr::memchr2_iter;

use super::jq_texts;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Event;
use crate::sanitize;
use crate::suggest::suggest;

/// What is left out of the standard library: the environment (it may hold the token), messages, and exits.
const LEFT_OUT: [&str; 8] =
    ["env", "halt", "halt_error", "debug", "debug_empty", "stderr", "stderr_empty", "input_line_number"];

/// Filters that jq has and jaq's library has not.
const ADDED: &str = r#"
def _cell(text): .[] |
    if . == null then "" elif isstring then text elif isboolean or isnumber then tostring
    else error("rows hold texts, numbers, booleans and null only") end;
def @csv: [_cell("\"" + (split("\"") | join("\"\"")) + "\"")] | join(",");
def @tsv: [_cell(split("\\") | join("\\\\") | split("\t") | join("\\t") | split("\n") | join("\\n")
    | split("\r") | join("\\r"))] | join("\t");
"#;

/// The name of the stream, as a variable.
pub(super) const STREAM: &str = "$stream";

/// Deeper events are not read: reading and running recurse, and some threads have small stacks.
const MAX_DEPTH: usize = 128;

/// How much a filter may weigh: a comma 1, each other operator, bracket and keyword 2. What is heavier could need more
/// than a stack of 2 MiB.
const MAX_WEIGHT: usize = 1_000;

/// Words that begin an expression within an expression.
const KEYWORDS: [&str; 12] =
    ["and", "as", "catch", "def", "elif", "else", "foreach", "if", "label", "or", "reduce", "try"];

/// What one event may yield.
const MAX_VALUES: usize = 10_000;
const MAX_BYTES: usize = 64 << 20;

type Program = jaq_core::Filter<JustLut<Val>>;

/// A filter, compiled.
pub struct JqFilter {
    program: Program,
    needed_texts: Option<Vec<String>>,
}

impl fmt::Debug for JqFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JqFilter")
    }
}

/// What a filter makes of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JqOutcome {
    /// It yields nothing.
    Dropped,
    /// It yields the event.
    Unchanged,
    /// It yields other values.
    Values,
}

/// The values of one event, as JSON texts.
#[derive(Debug, Default)]
pub struct JqValues {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl JqValues {
    /// The JSON text of each value, on one line.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end])
    }

    /// Appends each value's text with a line break behind it.
    pub fn write_lines(&self, out: &mut Vec<u8>) {
        for value in self.iter() {
            out.extend_from_slice(value);
            out.push(b'\n');
        }
    }

    /// Takes values that [`JqValues::write_lines`] wrote.
    pub fn read_lines(&mut self, lines: &[u8]) {
        self.clear();
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            self.bytes.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
            self.ends.push(self.bytes.len());
        }
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    fn push(&mut self, value: &Val, raw: Option<&[u8]>) -> Result<(), String> {
        match raw {
            // Line breaks stand between tokens only.
            Some(raw) => self.bytes.extend(raw.iter().filter(|byte| !matches!(byte, b'\r' | b'\n'))),
            None => {
                check_json(value)?;
                // Writing to a Vec cannot fail.
                let _ = write::write(&mut self.bytes, &write::Pp::default(), 0, value);
            }
        }
        self.ends.push(self.bytes.len());
        if self.ends.len() > MAX_VALUES || self.bytes.len() > MAX_BYTES {
            return Err(format!("more than {MAX_VALUES} values, or {} MiB, from one event", MAX_BYTES >> 20));
        }
        Ok(())
    }
}

impl JqFilter {
    /// Reads a filter.
    ///
    /// # Errors
    /// Fails with `Usage`; the message has line and column.
    pub fn compile(code: &str) -> Result<JqFilter> {
        if weight(code) > MAX_WEIGHT {
            return Err(Error::new(ErrorKind::Usage, "--jq: the filter is too long").hint(
                "about 500 operators are read at most: pipe the events into jq, which has no such limit",
            ));
        }
        let is_kept = |name: &str| !LEFT_OUT.contains(&name);
        let defs = || {
            let added = load::parse(ADDED, |parser| parser.defs()).unwrap_or_default();
            let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
            defs.filter(|def| is_kept(def.name)).chain(added)
        };
        let funs = || {
            let funs = jaq_core::funs::<JustLut<Val>>().chain(jaq_std::funs()).chain(jaq_json::funs());
            funs.filter(|(name, ..)| is_kept(name))
        };
        let arena = Arena::default();
        let modules = Loader::new(defs()).load(&arena, File { code, path: () }).map_err(|errors| {
            let error = errors.into_iter().next().map(|(_, error)| error);
            error.map_or_else(|| refused(code, code, "cannot be read"), |error| not_loaded(code, error))
        })?;
        let compiler = Compiler::default().with_funs(funs()).with_global_vars([STREAM]);
        let compiled = compiler.compile(modules).map_err(|errors| {
            let error = errors.into_iter().flat_map(|(_, errors)| errors).next();
            let Some((name, what)) = error else { return refused(code, code, "cannot be compiled") };
            let failure = refused(code, name, &format!("there is no {} {}", kind_of(&what), shown(name)));
            let known = defs().map(|def| def.name).chain(funs().map(|(name, ..)| name));
            let known: Vec<&str> = known.chain([STREAM]).collect();
            match (suggest(name, known.iter().copied()), LEFT_OUT.contains(&name)) {
                (_, true) => failure.hint("leave it out: it is not offered here"),
                (Some(near), false) if near != name => failure.hint(format!("did you mean {near}?")),
                (Some(_), false) => failure.hint("it takes another number of arguments"),
                (None, false) => failure.hint(HINT),
            }
        });
        Ok(JqFilter { program: compiled?, needed_texts: jq_texts::needed_texts(code) })
    }

    /// Texts of which one stands in every event of which it yields something, in some case of its letters, unless
    /// characters of the event are escaped; none where nothing is known.
    pub fn needed_texts(&self) -> Option<&[String]> {
        self.needed_texts.as_deref()
    }

    /// Runs it on an event; other values are put into `values`.
    ///
    /// # Errors
    /// Fails with what is wrong where the filter does, or where the event cannot be read.
    pub fn run(&self, event: &Event<'_>, values: &mut JqValues) -> Result<JqOutcome, String> {
        values.clear();
        check_depth(event.raw)?;
        let input = read::parse_single(event.raw).map_err(|e| format!("the event cannot be read: {e}"))?;
        let itself = input.clone();
        let stream = Val::from(event.stream.name().to_owned());
        let context = Ctx::<JustLut<Val>>::new(&self.program.lut, Vars::new([stream]));
        let mut yielded = self.program.id.run((context, input)).map(jaq_core::unwrap_valr);
        let text = |e: jaq_core::Error<Val>| sanitize::message(&e.to_string()).into_owned();
        let Some(first) = yielded.next() else { return Ok(JqOutcome::Dropped) };
        let first = first.map_err(text)?;
        let mut next = yielded.next();
        if next.is_none() && is_same(&first, &itself) {
            return Ok(JqOutcome::Unchanged);
        }
        values.push(&first, is_same(&first, &itself).then_some(event.raw))?;
        while let Some(value) = next {
            let value = value.map_err(text)?;
            values.push(&value, is_same(&value, &itself).then_some(event.raw))?;
            next = yielded.next();
        }
        Ok(JqOutcome::Values)
    }
}

const HINT: &str = "write jq's language, as in 'select(.action == \"export\")' or '{time: .timestamp, uuid}'";

/// The weight of a filter; what stands in texts has none.
fn weight(code: &str) -> usize {
    let (mut weight, mut is_text, mut rest) = (0, false, code);
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let length = match first {
            '\\' if is_text && rest[1..].starts_with('(') => {
                // Code inside of a text: from here on everything has weight.
                is_text = false;
                1
            }
            '\\' if is_text => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            '"' => {
                is_text = !is_text;
                1
            }
            _ if word == 0 => first.len_utf8(),
            _ => word,
        };
        weight += match first {
            _ if is_text => 0,
            ',' => 1,
            '(' | '[' | '{' | '|' | '+' | '-' | '*' | '/' | '%' | '=' | '<' | '>' | '?' => 2,
            _ if word > 0 && KEYWORDS.contains(&&rest[..word]) => 2,
            _ => 0,
        };
        rest = &rest[length..];
    }
    weight
}

/// Whether a value is the event itself, not only an equal one.
fn is_same(value: &Val, itself: &Val) -> bool {
    match (value, itself) {
        (Val::Obj(value), Val::Obj(itself)) => Rc::ptr_eq(value, itself),
        (Val::Arr(value), Val::Arr(itself)) => Rc::ptr_eq(value, itself),
        _ => false,
    }
}

fn not_loaded(code: &str, error: load::Error<&str>) -> Error {
    let found = |part: &str| match part.is_empty() {
        true => ", but it ends".to_owned(),
        false => format!(", not {}", shown(part)),
    };
    match error {
        load::Error::Lex(errors) => match errors.into_iter().next() {
            Some((expected, rest)) => {
                let what = match expected {
                    load::lex::Expect::Token => "this is not jq's language".to_owned(),
                    expected => format!("{} is missing", expected.as_str()),
                };
                refused(code, rest, &what)
            }
            None => refused(code, code, "cannot be read"),
        },
        load::Error::Parse(errors) => match errors.into_iter().next() {
            Some((expected, part)) => {
                refused(code, part, &format!("{} is missing{}", expected.as_str(), found(part)))
            }
            None => refused(code, code, "cannot be read"),
        },
        load::Error::Io(errors) => {
            let part = errors.first().map_or(code, |(part, _)| part);
            refused(code, part, "modules cannot be loaded")
        }
    }
}

fn kind_of(what: &compile::Undefined) -> &'static str {
    what.as_str()
}

/// A part of the filter, for a message.
fn shown(part: &str) -> String {
    let part: String = part.lines().next().unwrap_or_default().chars().take(30).collect();
    sanitize::message(&part).into_owned()
}

/// A refusal at the place where `part` stands in `code`.
fn refused(code: &str, part: &str, why: &str) -> Error {
    let at = load::span(code, part).start.min(code.len());
    let before = &code[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Error::new(ErrorKind::Usage, format!("--jq: line {line}, column {column}: {why}")).hint(HINT)
}

/// Refuses values that JSON has no text for.
fn check_json(value: &Val) -> Result<(), String> {
    match value {
        Val::Num(Num::Float(number)) if !number.is_finite() => {
            Err("it yields a number that JSON does not have".into())
        }
        Val::BStr(_) => Err("it yields bytes, which JSON does not have".into()),
        Val::Arr(values) => values.iter().try_for_each(check_json),
        Val::Obj(members) => members.iter().try_for_each(|(key, value)| match key {
            Val::TStr(_) => check_json(value),
            _ => Err("it yields an object with a key that is not a text".into()),
        }),
        _ => Ok(()),
    }
}

/// Refuses an event that is nested too deep.
fn check_depth(raw: &[u8]) -> Result<(), String> {
    // Most events have a handful of brackets in all.
    if memchr2_iter(b'{', b'[', raw).nth(MAX_DEPTH).is_none() {
        return Ok(());
    }
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    for byte in raw {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            b'{' | b'[' if !is_text => depth += 1,
            b'}' | b']' if !is_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(format!("the event is nested more than {MAX_DEPTH} deep"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Stream;

    fn run(code: &str, raw: &str) -> Result<(JqOutcome, Vec<String>), String> {
        let filter = JqFilter::compile(code).unwrap();
        let event = Event { stream: Stream::ItemUsages, raw: raw.as_bytes(), uuid: None, time: None };
        let mut values = JqValues::default();
        let outcome = filter.run(&event, &mut values)?;
        let values = values.iter().map(|value| String::from_utf8(value.to_vec()).unwrap());
        Ok((outcome, values.collect()))
    }

    #[test]
    fn what_would_need_more_stack_than_there_is_is_refused() {
        let compiled = || {
            for part in [
                "[",
                "(",
                "{a:",
                "-",
                "try ",
                "if ",
                ".|",
                ".+",
                ".//",
                ".,",
                "def f: ",
                "reduce ",
                "label $x|",
                "\"\\(",
            ] {
                for count in [1_001, 200_000] {
                    let failure = JqFilter::compile(&format!("{}.", part.repeat(count))).unwrap_err();
                    assert_eq!(failure.to_string(), "--jq: the filter is too long", "{part}");
                }
                // What is not refused is read.
                let _ = JqFilter::compile(&format!("{}.", part.repeat(MAX_WEIGHT / 2 - 1)));
            }
            let people: Vec<String> = (0..900).map(|n| format!("\"a-(b)-{n}@example.com\"")).collect();
            let filter = JqFilter::compile(&format!(
                ".who as $who | select([{}] | any(. == $who))",
                people.join(", ")
            ))
            .unwrap();
            let raw = br#"{"who":"a-(b)-899@example.com"}"#;
            let event = Event { stream: Stream::ItemUsages, raw, uuid: None, time: None };
            assert_eq!(filter.run(&event, &mut JqValues::default()), Ok(JqOutcome::Unchanged));
        };
        // Without optimization the same calls take several times as much.
        let stack = if cfg!(debug_assertions) { 16 << 20 } else { 2 << 20 };
        std::thread::Builder::new().stack_size(stack).spawn(compiled).unwrap().join().unwrap();
    }

    #[test]
    fn what_it_yields_decides() {
        let raw = "{\"uuid\":\"U\",\n\"n\":12345678901234567890.10,\"a\":[1,2]}";
        let values =
            |texts: &[&str]| Ok((JqOutcome::Values, texts.iter().map(|t| (*t).to_owned()).collect()));
        assert_eq!(run("select(.uuid == \"X\")", raw), Ok((JqOutcome::Dropped, vec![])));
        assert_eq!(run("select(.uuid == \"U\")", raw), Ok((JqOutcome::Unchanged, vec![])));
        assert_eq!(run("empty", raw), Ok((JqOutcome::Dropped, vec![])));
        assert_eq!(run(".uuid, .n", raw), values(&["\"U\"", "12345678901234567890.10"]));
        assert_eq!(run(".a[]", raw), values(&["1", "2"]));
        assert_eq!(run("{uuid, s: $stream}", raw), values(&[r#"{"uuid":"U","s":"itemusages"}"#]));
        assert_eq!(run(".,1", raw), values(&[&raw.replace('\n', ""), "1"]));
        assert_eq!(run(".uuid = \"U\"", raw).unwrap().0, JqOutcome::Values);
        assert_eq!(run("null", raw), values(&["null"]));
        assert_eq!(run("[1, \"a\\\"b\", null] | @csv", raw), values(&[r#""1,\"a\"\"b\",""#]));
        assert_eq!(run("[true, \"a\\tb\\\\c\"] | @tsv", raw), values(&[r#""true\ta\\tb\\\\c""#]));
        assert_eq!(run(".missing // \"é\\u001b\"", raw), values(&["\"é\\u001b\""]));
    }

    #[test]
    fn an_error_says_line_and_column() {
        for (code, text) in [
            ("select(.a == ", "--jq: line 1, column 14: closing parenthesis is missing"),
            (".a |\n  | .b", "--jq: line 2, column 3: "),
            (".a | selct(.b)", "--jq: line 1, column 6: there is no filter selct"),
            ("\"é\" | $strem", "--jq: line 1, column 7: there is no variable $strem"),
            ("& x", "--jq: line 1, column 1: this is not jq's language"),
            ("include \"x\"; .", "--jq: line 1, column "),
            ("env", "--jq: line 1, column 1: there is no filter env"),
            ("$ENV", "--jq: line 1, column 1: there is no variable $ENV"),
            ("input", "--jq: line 1, column 1: there is no filter input"),
            ("debug", "--jq: line 1, column 1: there is no filter debug"),
            ("", "--jq: line 1, column 1: "),
            ("{a:", "--jq: line 1, column "),
            ("\"\\x\"", "--jq: line 1, column "),
        ] {
            let failure = match JqFilter::compile(code) {
                Err(failure) => failure,
                Ok(_) => panic!("{code}"),
            };
            assert_eq!(failure.kind(), ErrorKind::Usage);
            assert!(failure.message().starts_with(text), "{code}: {failure}");
            assert!(failure.advice().is_some());
        }
        let hint = |code: &str| JqFilter::compile(code).unwrap_err().advice().unwrap().to_owned();
        assert_eq!(hint("selct(.b)"), "did you mean select?");
        assert_eq!(hint("select"), "it takes another number of arguments");
    }

    #[test]
    fn values_that_json_has_not_and_hostile_events_are_failures() {
        for (code, text) in [
            ("nan", "a number that JSON"),
            ("[1 / 0]", ""),
            (".uuid | tobytes", "bytes"),
            ("{(1, 2 | tostring): 1}", ""),
            (".uuid + 1", "cannot"),
            ("range(20000)", "more than 10000 values"),
            ("error(\"x\\u001b\")", r"x\u001b"),
        ] {
            match run(code, r#"{"uuid":"U"}"#) {
                Err(failure) => assert!(failure.contains(text), "{code}: {failure}"),
                Ok(yielded) => assert!(text.is_empty(), "{code}: {yielded:?}"),
            }
        }
        let deep = |depth: usize| format!("{{\"a\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(run("..", &deep(1_000_000)).unwrap_err().contains("nested"));
        let small_stack = std::thread::Builder::new().stack_size(1 << 20);
        let code = "[.. | tojson], (. as $x | [paths]), walk(.)";
        let deepest = small_stack.spawn(move || run(code, &deep(MAX_DEPTH - 1)).unwrap().0).unwrap();
        assert_eq!(deepest.join().unwrap(), JqOutcome::Values);
        let texts = format!("{{\"a\":\"{}\\\"[\"}}", "[{".repeat(1000));
        assert_eq!(run(".", &texts).unwrap().0, JqOutcome::Unchanged);
    }
}
