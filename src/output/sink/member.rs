//! Compressed output as whole members (gzip) or frames (zstd), each of which is readable by itself, so that a file
//! is readable up to the end of any of them.
//!
//! The bytes depend on nothing but what is compressed: no name and no time is in them (P4).

use std::io::{self, Write as _};

use flate2::write::GzEncoder;

use crate::compression::Compression;

/// The level of zstd: its own default.
const ZSTD_LEVEL: i32 = 3;

/// These bytes as one member or frame; as they are where nothing is compressed.
///
/// # Errors
/// Fails when the compressor does, which writes to memory alone.
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
