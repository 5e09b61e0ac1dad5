//! Values that do not go out: masked, or hashed with a key.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// The arguments of masking and hashing.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Output")]
pub struct RedactionArgs {
    /// Replace this field's value by a mask
    ///
    /// The mask is the word "masked" in square brackets. A field is a path (target_user.email), a name alone
    /// for every field of that name (email, ip_address), or users.email, users.name and users.uuid for
    /// everybody whom an event names. Several may be given, with commas or by repeating the flag. The value is also replaced where it stands in another field of the
    /// same event; the rest of the event stays byte for byte. Filters see the event as it was, --jq as it goes
    /// out.
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    pub mask: Vec<String>,

    /// Replace this field's value by its keyed hash (HMAC-SHA-256)
    ///
    /// Fields as for --mask. Equal values stay equal, and without the key nobody can try values out. A value
    /// that is also masked is masked.
    #[arg(long, value_name = "FIELD", value_delimiter = ',', requires = "hash_key_file")]
    pub hash: Vec<String>,

    /// The file with the key of --hash
    ///
    /// At least 16 bytes, of which nobody else can read any; a line break at its end does not count. Another
    /// key gives other hashes: keep it as long as the output is compared.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "hash")]
    pub hash_key_file: Option<PathBuf>,
}
