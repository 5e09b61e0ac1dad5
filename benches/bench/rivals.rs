//! Others that move the same pages: curl, curl with jq, and the loop that one would write in Python.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use opev::clock::{Clock as _, RealClock};
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

/// Whether a program can be started here.
pub(crate) fn is_there(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

/// A curl command that asks for all pages over one connection; its list is deleted with it.
pub(crate) struct Curl {
    list: NamedTempFile,
}

impl Curl {
    pub(crate) fn new(service: &Service, pages: &[Ready]) -> Result<Self> {
        let mut text = String::new();
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
        let mut command = Command::new("sh");
        command.args(["-c", "curl --config \"$0\" | jq -c '.items[]'"]).arg(self.list.path());
        command
    }
}

/// The Python loop over these streams.
pub(crate) fn python(service: &Service, streams: &[&str]) -> Command {
    let since = RealClock::new().now() - chrono::TimeDelta::days(119);
    let mut command = Command::new("python3");
    command
        .args(["-c", PYTHON, &since.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)])
        .args(streams)
        .env("OPEV_BASE_URL", &service.base_url)
        .env("EVENTS_API_TOKEN", &service.token);
    command
}
