//! Compressed output as complete members (gzip) or frames (zstd). Each can be read by itself, so that a file is
//! readable up to the end of any of them.
//!
//! The bytes depend only on what is compressed: they hold no name and no time (P4).

use std::io::{self, Write as _};

use flate2::write::GzEncoder;

use crate::compression::Compression;

/// The level of zstd: its default.
const ZSTD_LEVEL: i32 = 3;

/// These bytes as one member or frame; as they are where nothing is compressed.
///
/// # Errors
/// Fails when the compressor does; it writes to memory only.
pub fn member(compression: Compression, bytes: &[u8]) -> io::Result<Vec<u8>> {
    match compression {
        Compression::None => Ok(bytes.to_vec()),
        Compression::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(bytes)?;
            encoder.finish()
        }
        Compression::Zstd => zstd::stream::encode_all(bytes, ZSTD_LEVEL),
    }
}
