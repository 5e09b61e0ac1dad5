//! Others that move the same pages: curl, curl with jq, and the loop that one would write in Python.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::process::{Command, Stdio};

use opev::event::Stream;
use tempfile::NamedTempFile;

use crate::Result;
use crate::service::{Ready, Service};

/// One cursor after another, each page parsed and each event written, as everybody's first client does.
const PYTHON: &str = r#"
import http.client, json, os, sys, urllib.parse
base, token = os.environ["OPEV_BASE_URL"], os.environ["EVENTS_API_TOKEN"]
headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
try:
    import requests
    session = requests.Session()
    def post(path, body):
        return session.post(base + path, json=body, headers=headers).json()
except ImportError:
    server = http.client.HTTPConnection(urllib.parse.urlparse(base).netloc)
    def post(path, body):
        server.request("POST", path, json.dumps(body), headers)
        return json.loads(server.getresponse().read())
for stream in sys.argv[2:]:
    body = {"limit": 1000, "start_time": sys.argv[1]}
    while True:
        page = post("/api/v2/" + stream, body)
        for item in page["items"]:
            print(json.dumps(item))
        if not page["has_more"]:
            break
        body = {"cursor": page["cursor"]}
"#;

/// Whom `opev fetch` is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rival {
    /// It moves the pages and looks at nothing.
    Curl,
    /// It also takes the events out of them.
    CurlWithJq,
    /// It does what `opev fetch` does, but for sorting.
    Python,
}

impl Rival {
    /// A program that it needs and that cannot be started here; curl has to be there.
    pub(crate) fn missing(self) -> Option<&'static str> {
        let program = match self {
            Rival::Curl => return None,
            Rival::CurlWithJq => "jq",
            Rival::Python => "python3",
        };
        let found =
            Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        (!found.is_ok_and(|status| status.success())).then_some(program)
    }

    /// Has it move everything there is, for which `curl` has learned the pages.
    pub(crate) fn command(self, service: &Service, curl: &Curl) -> Command {
        match self {
            Rival::Curl => curl.command(),
            Rival::CurlWithJq => curl.with_jq(),
            Rival::Python => python(service),
        }
    }
}

impl fmt::Display for Rival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rival::Curl => "curl",
            Rival::CurlWithJq => "curl with jq",
            Rival::Python => "a Python loop",
        })
    }
}

/// A curl command that asks for all pages over one connection; its list is deleted with it.
pub(crate) struct Curl {
    list: NamedTempFile,
}

impl Curl {
    pub(crate) fn new(service: &Service, pages: &[Ready]) -> Result<Self> {
        let mut text = String::from("fail-early\n");
        for (index, page) in pages.iter().enumerate() {
            if index > 0 {
                text.push_str("next\n");
            }
            let quoted = serde_json::to_string(&page.body)?;
            writeln!(
                text,
                "silent\nfail\nurl = \"{}{}\"\nheader = \"Authorization: Bearer {}\"\n\
                 header = \"Content-Type: application/json\"\ndata-raw = {quoted}",
                service.base_url, page.path, service.token
            )?;
        }
        let mut list = NamedTempFile::new()?;
        list.write_all(text.as_bytes())?;
        Ok(Curl { list })
    }

    /// curl alone.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new("curl");
        command.arg("--config").arg(self.list.path());
        command
    }

    /// curl with jq behind it.
    pub(crate) fn with_jq(&self) -> Command {
        let mut command = Command::new("bash");
        command
            .args(["-c", "set -o pipefail; curl --config \"$0\" | jq -c '.items[]'"])
            .arg(self.list.path());
        command
    }
}

/// The Python loop over all streams.
fn python(service: &Service) -> Command {
    let since = service.since.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let mut command = Command::new("python3");
    command
        .args(["-c", PYTHON, &since])
        .args(Stream::ALL.map(Stream::name))
        .env("OPEV_BASE_URL", &service.base_url)
        .env("EVENTS_API_TOKEN", &service.token);
    command
}
