//! A token that cannot be printed (P10).
//!
//! No `Display`, a redacted `Debug`, wiped on drop. [`Secret::expose`] is the one way to the text; its
//! only callers are the request header and the claims reader.

use std::fmt;

use zeroize::Zeroizing;

/// A secret text: a bearer token, or a proxy's password.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text into keeping.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(Zeroizing::new(text.into()))
    }

    /// The text itself; every use must be one that cannot print, log or store it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_it() {
        assert_eq!(format!("{:?}", Secret::new("eyJhbGciOi")), "Secret(redacted)");
    }
}
