//! `opev detect`: rules over events.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::analysis::AnalysisArgs;
use crate::analyze::detect::{HitFormat, Level};

const EXAMPLES: &str = "\
Examples:
  opev detect --profile demo --since 7d          made-up incidents; needs no account
  opev detect --since 30d --level medium
  opev detect --from saved.ndjson.gz --format ndjson --fail-on high
  opev detect --list export                      rules that have the word; ids of published rules as well
  opev detect --explain export-then-suspended
  opev detect --test rules/mine.toml
  opev detect --rules sigma/ --from saved.ndjson   rules of Sigma beside the others";

/// Which rules.
#[derive(Args, Clone, Debug, Default)]
pub struct RuleArgs {
    /// Rules beside the built-in ones: a file, or a folder of *.toml and *.yml
    ///
    /// Several may be given; the key rules of the profile adds to them. A rule in TOML carries tests, which are run
    /// when it is read: one that fails them is refused with file, line and column. Of Sigma (*.yml), detections and
    /// correlations (event_count, value_count, temporal_ordered) for the product onepassword are read; what else a
    /// rule says is refused by name, and rules for other products are left out of folders.
    #[arg(long, value_name = "FILE|DIR", value_hint = ValueHint::AnyPath, help_heading = "Rules")]
    pub rules: Vec<PathBuf>,

    /// Only these rules, by id; * stands for any characters
    ///
    /// Commas or the flag again mean or; a leading ! leaves a rule out. Without it all rules are looked at.
    #[arg(long, value_name = "ID", value_delimiter = ',', help_heading = "Rules")]
    pub only: Vec<String>,

    /// Only hits of this level or above [default: low]
    ///
    /// info, low, medium, high or critical. Rules of the level info tell of what is usual and of use beside other hits.
    #[arg(long, value_name = "LEVEL", help_heading = "Rules")]
    pub level: Option<Level>,
}

/// The arguments of `opev detect`.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct DetectArgs {
    /// Which events.
    #[command(flatten)]
    pub analysis: AnalysisArgs,

    /// Which rules.
    #[command(flatten)]
    pub rules: RuleArgs,

    /// List the rules, or those that have all of these words
    ///
    /// Words are looked for in ids, titles, techniques of ATT&CK, the ids of published rules that a rule stands
    /// for, and what it means. Looks at no events.
    #[arg(long, value_name = "WORD", num_args = 0.., help_heading = "Rules",
          conflicts_with_all = ["explain", "test", "from", "exec", "fail_on"])]
    pub list: Option<Vec<String>>,

    /// Show one rule: what it means, what to look at next, false alarms
    ///
    /// Also how it is written, as a pattern for rules of one's own. Looks at no events.
    #[arg(long, value_name = "ID", help_heading = "Rules",
          conflicts_with_all = ["test", "from", "exec", "fail_on"])]
    pub explain: Option<String>,

    /// Run the tests inside the rules, or inside these files
    ///
    /// Ends with 0 where all pass, else with 2 and the place of the first that does not. Looks at no other
    /// events.
    #[arg(long, value_name = "FILE", num_args = 0.., value_hint = ValueHint::AnyPath, help_heading = "Rules",
          conflicts_with_all = ["from", "exec", "fail_on"])]
    pub test: Option<Vec<PathBuf>>,

    /// Form of the output: table, ndjson or json
    ///
    /// By default a table when standard output is a terminal, else ndjson: a hit a line with rule, title, level,
    /// attack, refs, group, count, first, last, events (the first 1000 uuids), values and next.
    #[arg(long, value_name = "FORMAT", help_heading = "Output")]
    pub format: Option<HitFormat>,

    /// Run this command for each hit, with the hit on its standard input
    ///
    /// The hit is one line of JSON. sh -c runs the command, one hit after another, with OPEV_RULE and OPEV_LEVEL in
    /// its environment and without the token. One that fails is tried three times; the run then ends with 7.
    #[arg(long, value_name = "CMD", value_hint = ValueHint::CommandString, help_heading = "Output")]
    pub exec: Option<String>,

    /// Exit with 1 when there is a hit of this level or above
    ///
    /// info, low, medium, high or critical. For scripts and CI. Other failures have their own exit codes, which go first.
    #[arg(long, value_name = "LEVEL", help_heading = "Output")]
    pub fail_on: Option<Level>,
}

impl DetectArgs {
    /// Refuses contradictory values.
    pub(super) fn check(&self) -> Result<(), String> {
        self.analysis.check()
    }
}
