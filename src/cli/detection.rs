//! Rules beside the events of `fetch` and `tail`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::detect::RuleArgs;

/// Whether rules look at the events, and where hits go.
#[derive(Args, Clone, Debug, Default)]
pub struct DetectionArgs {
    /// Let the rules of `opev detect` look at the events, too
    ///
    /// At those that the filters let through. Hits are told on standard error, as lines for people on a terminal,
    /// else as NDJSON; --hits and --hit-exec send them elsewhere. With --resume what the rules have gathered is
    /// saved with the position: hits are not told again, and what is usual stays known. tail tells a hit as soon
    /// as the rule is met; what follows in the same window belongs to it.
    #[arg(long, help_heading = "Rules")]
    pub detect: bool,

    /// Write hits to this file, a line of JSON each
    ///
    /// The file is managed like the output: each hit is in it once, whatever happens.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "detect",
          help_heading = "Rules")]
    pub hits: Option<PathBuf>,

    /// Run this command for each hit, with the hit on its standard input
    ///
    /// As --exec of opev detect: a line of JSON, OPEV_RULE and OPEV_LEVEL in the environment, three attempts. With
    /// --resume a hit is handed over before it is saved, so that a kill repeats it rather than loses it.
    #[arg(long, value_name = "CMD", value_hint = ValueHint::CommandString, requires = "detect",
          help_heading = "Rules")]
    pub hit_exec: Option<String>,

    /// Which rules.
    #[command(flatten)]
    pub rules: RuleArgs,
}

impl DetectionArgs {
    /// Refuses what makes sense with others only.
    pub(super) fn check(&self, resume: bool, all_profiles: bool) -> Result<(), String> {
        let RuleArgs { rules, only, level } = &self.rules;
        let typed =
            [("--rules", !rules.is_empty()), ("--only", !only.is_empty()), ("--level", level.is_some())];
        if let Some((flag, _)) = typed.iter().find(|(_, is_typed)| *is_typed && !self.detect) {
            return Err(format!("{flag} chooses among rules; add --detect"));
        }
        if self.hits.is_some() && !resume {
            return Err(
                "--hits FILE is managed with the position; add --resume, or leave it out and take hits \
                        from standard error"
                    .into(),
            );
        }
        if self.hits.is_some() && all_profiles {
            return Err("--hits cannot be used with --all-profiles: run one profile at a time".into());
        }
        Ok(())
    }
}
