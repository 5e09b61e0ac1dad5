//! The flags that find an account and say how to reach it; shared by every command that does.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueHint};

use crate::api::endpoint::{ApiVersion, Region};
use crate::size;
use crate::time::duration;

/// Which configuration file.
#[derive(Args, Clone, Debug, Default)]
pub struct ConfigFileArg {
    /// Read this configuration file
    ///
    /// Without the flag, OPEV_CONFIG names it, else it is $XDG_CONFIG_HOME/opev/config.toml (most often
    /// ~/.config/opev/config.toml). A file that is named must exist.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Account")]
    pub config: Option<PathBuf>,
}

/// Which account, with which token, reached how.
#[derive(Args, Clone, Debug, Default)]
pub struct AccountArgs {
    /// Use this profile of the configuration
    ///
    /// A profile is one account: server, token and preferences under one name. Without the flag,
    /// OPEV_PROFILE names it, else it is "default", which needs no file. "demo" is built in: made-up
    /// events from a server inside the process.
    #[arg(short, long, value_name = "NAME", help_heading = "Account")]
    pub profile: Option<String>,

    /// The configuration file.
    #[command(flatten)]
    pub file: ConfigFileArg,

    /// Keep saved positions and locks in this directory
    ///
    /// Without the flag: OPEV_STATE_DIR, the profile's state_dir, systemd's STATE_DIRECTORY, then
    /// $XDG_STATE_HOME/opev (most often ~/.local/state/opev).
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Account")]
    pub state_dir: Option<PathBuf>,

    /// The account's region: decides the server
    ///
    /// us is 1password.com, ca is 1password.ca, eu is 1password.eu, ent is ent.1password.com. Seldom
    /// needed: the token names its server.
    #[arg(long, value_name = "REGION", conflicts_with = "base_url", help_heading = "Account")]
    pub region: Option<Region>,

    /// The server, as a host or a URL
    ///
    /// http:// is for this machine only. A host that is neither 1Password's nor this machine also needs
    /// --allow-host. Without the flag: OPEV_BASE_URL, the profile, then the token's own server.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, help_heading = "Account")]
    pub base_url: Option<String>,

    /// Let the token go to this host, which is not 1Password's
    ///
    /// The token is sent to 1Password's four servers and to this machine only. For a stand-in elsewhere,
    /// name its host here, with a port to allow that port alone; may be repeated.
    #[arg(long, value_name = "HOST", value_hint = ValueHint::Hostname, help_heading = "Account",
          value_parser = NonEmptyStringValueParser::new())]
    pub allow_host: Vec<String>,

    /// Read the token from this file; - is standard input
    ///
    /// A regular file that others can read is refused. Pipes and process substitution work:
    /// --token-file <(pass show 1password/events).
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Account",
          conflicts_with = "token_command")]
    pub token_file: Option<PathBuf>,

    /// Run this shell command and take the token from its output
    ///
    /// It runs under sh, gets 60 seconds, and must print the token alone, as
    /// "op read op://vault/item/credential" does. It sees a terminal only when standard input is one.
    #[arg(long, value_name = "CMD", value_hint = ValueHint::CommandString, help_heading = "Account",
          value_parser = NonEmptyStringValueParser::new())]
    pub token_command: Option<String>,

    /// Trust the certificates in this PEM file as well
    ///
    /// They are added to the system's own, for networks whose proxy opens TLS connections.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Connection")]
    pub ca_file: Option<PathBuf>,

    /// Version of the API [default: v2]
    ///
    /// v3 is a beta that serves audit events only.
    #[arg(long, value_name = "VERSION", help_heading = "Connection")]
    pub api: Option<ApiVersion>,

    /// Give a request this long [default: 1m]
    ///
    /// Counts from the connection to the last byte of the answer. A request that takes longer is tried
    /// again.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse_positive, help_heading = "Connection")]
    pub timeout: Option<Duration>,

    /// Retry a failing request for this long [default: 2m; tail: 90m]
    ///
    /// Rate limits, errors of the service, timeouts and cut connections are tried again with growing
    /// pauses of 1 to 30 seconds. 0 tries once. Then the run ends with exit code 6.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, help_heading = "Connection")]
    pub retry_for: Option<Duration>,

    /// End the whole run after this long
    ///
    /// What was delivered by then stays delivered; the exit code is 6. There is none by default.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse_positive, help_heading = "Connection")]
    pub deadline: Option<Duration>,

    /// At most this many requests a minute [default: 600]
    ///
    /// The service allows 600 in a minute and 30,000 in an hour, and opev stays below both by itself. A
    /// lower number leaves room for others; 0 lifts the limit, for stand-ins.
    #[arg(long, value_name = "PER_MINUTE", help_heading = "Connection")]
    pub rate_limit: Option<u32>,

    /// Refuse answers greater than this [default: 64MiB]
    ///
    /// Counted after decompression, so that a broken server cannot fill the memory. A full page is about
    /// 1 MiB.
    #[arg(long, value_name = "SIZE", value_parser = size::parse, help_heading = "Connection")]
    pub max_response_bytes: Option<u64>,

    /// Go on where this machine's clock and the service's are days apart
    ///
    /// A difference of more than 5 minutes is warned of; one of more than a day ends the run with exit code
    /// 3, because ranges and positions are reckoned with this machine's clock.
    #[arg(long, help_heading = "Connection")]
    pub trust_clock: bool,
}
