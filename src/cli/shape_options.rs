//! What a run adds to its events: tags, and what single shapes can be told.

use clap::Args;

pub use crate::encode::Tag;
use crate::encode::{InvalidUtf8, OcsfVersion, Shape, ShapeOptions, shapes};

/// The arguments of shapes.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Output")]
pub struct ShapeOptionArgs {
    /// Put a tag on every event, as env:production
    ///
    /// May be given several times; adds to the tags of the profile, and of equal keys the last counts.
    /// envelope has tags in "tags", ecs in labels and tags, ocsf in metadata.labels, datadog in ddtags, splunk
    /// and sumo in fields; the other shapes have no place for them. With --all-profiles every event has the
    /// tag tenant, the profile's name, unless the profile says another one.
    #[arg(long = "tag", value_name = "KEY:VALUE")]
    pub tag: Vec<Tag>,

    /// Source category of --shape sumo
    ///
    /// Stands in _sourceCategory, for example prod/1password.
    #[arg(long, value_name = "TEXT", requires = "shape")]
    pub category: Option<String>,

    /// Source name of --shape sumo
    ///
    /// Stands in _sourceName.
    #[arg(long, value_name = "TEXT", requires = "shape")]
    pub source_name: Option<String>,

    /// Leave out what routes --shape sumo to Cloud SIEM
    ///
    /// Without tags, category and source name a log is then the event alone.
    #[arg(long, requires = "shape")]
    pub no_siem_metadata: bool,

    /// Version of --shape ocsf [default: 1.8.0]
    ///
    /// Stands in metadata.version. The events are valid in each of these versions.
    #[arg(long, value_name = "VERSION", requires = "shape")]
    pub ocsf_version: Option<OcsfVersion>,

    /// What to do in ndjson with bytes that are not UTF-8 [default: keep]
    ///
    /// JSON allows none, and a service may still send some. The other formats always replace them.
    #[arg(long, value_name = "WHAT")]
    pub utf8: Option<InvalidUtf8>,
}

impl ShapeOptionArgs {
    /// What was typed.
    pub fn options(&self) -> ShapeOptions {
        let mut options = ShapeOptions {
            tags: Vec::new(),
            category: self.category.clone(),
            source_name: self.source_name.clone(),
            no_siem_metadata: self.no_siem_metadata,
            ocsf_version: self.ocsf_version.unwrap_or_default(),
            utf8: self.utf8.unwrap_or_default(),
        };
        self.tag.iter().for_each(|tag| options.add_tag(tag.clone()));
        options
    }

    /// Refuses what the shape has no place for.
    pub(super) fn check(&self, shape: Shape) -> Result<(), String> {
        if !self.tag.is_empty() && !shape.row().has_tags {
            return Err(format!(
                "--tag: the shape {shape} has no place for tags; use one of {}",
                shapes(|row| row.has_tags)
            ));
        }
        let of_sumo = [
            ("--category", self.category.is_some()),
            ("--source-name", self.source_name.is_some()),
            ("--no-siem-metadata", self.no_siem_metadata),
        ];
        let of_ocsf = ("--ocsf-version", self.ocsf_version.is_some());
        let typed = of_sumo.into_iter().map(|(flag, typed)| (flag, typed, Shape::Sumo));
        let all = typed.chain([(of_ocsf.0, of_ocsf.1, Shape::Ocsf)]);
        for (flag, is_typed, only) in all {
            if is_typed && shape != only {
                return Err(format!("{flag} is for --shape {only}"));
            }
        }
        let texts = [&self.category, &self.source_name].into_iter().flatten();
        match texts.into_iter().find(|text| text.trim().is_empty() || text.chars().any(char::is_control)) {
            Some(_) => Err("--category and --source-name are text without control characters".into()),
            None => Ok(()),
        }
    }
}
