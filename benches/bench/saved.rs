//! Questions to saved events, beside DuckDB, jq and gojq over the same file; and shapes beside raw lines.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::service::Service;
use crate::stopwatch::{Cost, in_turn, measure, once};
use crate::table::{Row, memory, time, times};
use crate::{Choice, OPEV, Result};

/// The most memory that a question may take, in MiB, however many events there are.
const MOST_MEMORY: u64 = 32;

/// The same for what counts.
const MOST_MEMORY_COUNTING: u64 = 64;

/// Shapes, and how many times the CPU of raw lines each may take.
const SHAPES: &[(&str, f64)] = &[
    ("envelope", 1.3),
    ("ecs", 5.0),
    ("ocsf", 5.0),
    ("sentinel", 6.0),
    ("sentinel-stream", 6.0),
    ("datadog", 6.0),
    ("sumo", 6.0),
    ("splunk", 6.0),
    ("cef", 6.0),
    ("leef", 6.0),
    ("dnif", 6.0),
];

/// DuckDB with the fields that a query reads, so that it need not guess them; it counts and prints no event.
const DUCKDB: &str = r#"
import duckdb, sys
columns = {name: "STRUCT(uuid VARCHAR, email VARCHAR)" for name in ("target_user", "user", "actor_details")}
columns |= {name: "VARCHAR" for name in ("item_uuid", "action", "country", "timestamp")}
columns |= {"client": "STRUCT(ip_address VARCHAR)", "session": "STRUCT(ip VARCHAR)", "location": "STRUCT(country VARCHAR)"}
given = {"format": "newline_delimited", "columns": columns} if sys.argv[2] == "given" else {"format": "newline_delimited"}
events = duckdb.read_json(sys.argv[1], **given)
print(len(duckdb.sql("select " + sys.argv[3]).fetchall()))
"#;

/// Who acted, in SQL.
const ACTOR: &str = "coalesce(target_user.email, \"user\".email, actor_details.email)";

/// A question, and what says the same elsewhere.
struct Question {
    name: &'static str,
    args: Vec<String>,
    /// The rest of a `select`, and whether DuckDB knows the fields.
    sql: Option<(String, &'static str)>,
    jq: Option<String>,
    /// The most CPU for 300,000 events.
    limit: Option<Duration>,
    most_memory: u64,
}

/// A file of events, and some of what is in it.
struct Saved {
    directory: TempDir,
    person: String,
    item: String,
}

impl Saved {
    fn write(events: u64) -> Result<Self> {
        let directory = TempDir::new()?;
        let service = Service::start(events, &[])?;
        let path = directory.path().join("all.ndjson");
        let path = path.to_str().ok_or("no name")?.to_owned();
        once(&service.fetch_unlimited(&["--format", "ndjson", "-o", &path]))?;
        let (mut person, mut item) = (None, None);
        let file = BufReader::new(std::fs::File::open(&path)?);
        for line in file.lines().take(2_000) {
            let event: Value = serde_json::from_str(&line?)?;
            person = person.or(event["target_user"]["email"].as_str().map(str::to_owned));
            item = item.or(event["item_uuid"].as_str().map(str::to_owned));
        }
        let (person, item) = (person.ok_or("no sign-in")?, item.ok_or("no usage")?);
        Ok(Saved { directory, person, item })
    }

    fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("all.ndjson")
    }
}

fn questions(saved: &Saved) -> Vec<Question> {
    let Saved { person, item, .. } = saved;
    let words = |text: &str| text.split(' ').map(str::to_owned).collect();
    let given = |text: String| Some((text, "given"));
    let program = r#"select(.action == "reveal")"#;
    let fetch = |name, args: &str, sql: String, jq: String, seconds| Question {
        name,
        args: words(args),
        sql: given(format!("1 from events where {sql}")),
        jq: Some(jq),
        limit: Some(Duration::from_secs_f64(seconds)),
        most_memory: MOST_MEMORY,
    };
    let person_in_jq = "[.target_user, .user, .actor_details, .object_details, .aux_details][]?.email?";
    let counted = |name, args: &str, sql: String, known, seconds| Question {
        name,
        args: words(args),
        sql: Some((sql, known)),
        jq: None,
        limit: Some(Duration::from_secs_f64(seconds)),
        most_memory: MOST_MEMORY_COUNTING,
    };
    let by_actor = format!("{ACTOR}, count(*) from events group by 1");
    vec![
        fetch(
            "--user PERSON",
            &format!("fetch --user {person}"),
            format!("{ACTOR} = '{person}'"),
            format!("select(any({person_in_jq}; . == \"{person}\"))"),
            0.12,
        ),
        fetch(
            "--item UUID",
            &format!("fetch --item {item}"),
            format!("item_uuid = '{item}'"),
            format!("select(.item_uuid == \"{item}\")"),
            0.12,
        ),
        fetch(
            "--ip 10.0.0.0/8",
            "fetch --ip 10.0.0.0/8",
            "coalesce(client.ip_address, session.ip) like '10.%'".to_owned(),
            r#"select((.client.ip_address // .session.ip // "") | startswith("10."))"#.to_owned(),
            0.5,
        ),
        fetch(
            "--country FR",
            "fetch --country FR",
            "country = 'FR' or location.country in ('FR', 'France')".to_owned(),
            r#"select(.country == "FR" or .location.country == "France")"#.to_owned(),
            0.5,
        ),
        Question {
            args: ["fetch", "--jq", program].map(str::to_owned).to_vec(),
            limit: None,
            ..fetch("--jq", "", "action = 'reveal'".to_owned(), program.to_owned(), 0.0)
        },
        counted("summary --by actor", "summary --by actor --format ndjson", by_actor.clone(), "given", 0.45),
        counted("summary", "summary --format json", by_actor.clone(), "automatic", 1.2),
        counted("detect", "detect --format ndjson", by_actor, "automatic", 1.3),
    ]
}

impl Question {
    fn command(&self, path: &Path) -> Command {
        let mut command = Command::new(OPEV);
        command.args(&self.args).arg("-q").arg("--from").arg(path).env("OPEV_CONFIG", "/dev/null");
        command
    }

    /// What it is held against, each with its name and, in CPU, how many times of it are allowed.
    fn rivals(&self, path: &Path) -> Vec<(&'static str, Option<f64>, Command)> {
        let mut rivals = Vec::new();
        if let Some((sql, known)) = &self.sql {
            let mut command = Command::new("python3");
            command.args(["-c", DUCKDB]).arg(path).args([known, sql.as_str()]);
            rivals.push(("DuckDB", None, command));
        }
        for program in ["jq", "gojq"] {
            if let Some(filter) = &self.jq {
                let mut command = Command::new(program);
                command.args(["-c", filter]).arg(path);
                let limit = (self.name == "--jq" && program == "jq").then_some(1.1);
                rivals.push((program, limit, command));
            }
        }
        rivals
    }
}

/// Whether a rival can be started here.
fn is_here(rival: &str) -> bool {
    let (program, args) = match rival {
        "DuckDB" => ("python3", ["-c", "import duckdb"].as_slice()),
        other => (other, ["--version"].as_slice()),
    };
    let status = Command::new(program).args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn shown(cost: &Cost) -> String {
    format!("{} of CPU, {}, {}", time(cost.cpu), time(cost.wall), memory(cost.peak))
}

pub(crate) fn run(choice: &Choice) -> Result<()> {
    let events: u64 = if choice.quick { 30_000 } else { 300_000 };
    if !choice.wants("saved: ") && !choice.words.iter().any(|word| word.starts_with("saved")) {
        return Ok(());
    }
    let saved = Saved::write(events)?;
    let path = saved.path();
    for question in questions(&saved) {
        for (rival, most, command) in question.rivals(&path) {
            let row = Row::new(format!("saved: {}, {events} events, beside {rival}", question.name));
            if !is_here(rival) {
                row.measured(format!("left out: there is no {rival}")).print();
                continue;
            }
            let [ours, other] = in_turn(choice.few_times(), [&question.command(&path), &command])?;
            let ratio = times(ours.cpu, other.cpu);
            let mut row = row.measured(shown(&ours)).beside(shown(&other), ratio);
            if let Some(limit) = question.limit.filter(|_| !choice.quick && rival == "DuckDB") {
                row = row.limit(format!("at most {} of CPU", time(limit)), ours.cpu <= limit);
            }
            if rival == "DuckDB" {
                row = row.limit("faster", ours.wall < other.wall);
            }
            match most {
                Some(most) => row.limit(format!("at most {most} times its CPU"), ratio <= most).print(),
                None => row.print(),
            }
        }
    }
    shapes(choice, &path, events)?;
    drop(saved);
    if choice.quick { Ok(()) } else { ten_times_as_many() }
}

/// What each shape takes beside lines that are written as they are.
fn shapes(choice: &Choice, path: &Path, events: u64) -> Result<()> {
    let shaped = |shape: &str| {
        let mut command = Command::new(OPEV);
        command.args(["fetch", "-q", "--shape", shape, "--from"]).arg(path).env("OPEV_CONFIG", "/dev/null");
        command
    };
    for (shape, most) in SHAPES {
        let row = Row::new(format!("saved: --shape {shape}, {events} events, beside raw"));
        let [ours, raw] = in_turn(choice.few_times(), [&shaped(shape), &shaped("raw")])?;
        let ratio = times(ours.cpu, raw.cpu);
        let row = row.measured(shown(&ours)).beside(shown(&raw), ratio);
        row.limit(format!("under {most} times its CPU"), ratio < *most).print();
    }
    Ok(())
}

/// What ten times as many events take: ten times the CPU, and the same memory.
fn ten_times_as_many() -> Result<()> {
    let saved = Saved::write(3_000_000)?;
    let path = saved.path();
    for question in questions(&saved) {
        let cost = measure(1, &question.command(&path))?;
        let most = question.most_memory;
        Row::new(format!("saved: {}, 3000000 events", question.name))
            .measured(shown(&cost))
            .limit(format!("under {most} MiB"), cost.peak < most * 1024)
            .print();
    }
    Ok(())
}
