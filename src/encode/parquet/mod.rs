//! Events as Parquet: typed columns, and the whole event in the column `raw`.
//!
//! ```text
//! event ── columns ──> ParquetRows ── a row ──> (whoever writes the file) ──> ParquetFile ──> bytes of a file
//! ```
//!
//! A Parquet file has no place for one event after another: it holds a column of thousands of events, then the next
//! column, and where all that is at its end. So an event becomes a row for the moment, and a [`ParquetFile`] makes
//! the file of the rows. Its bytes depend on the rows alone.
//!
//! Columns are those of CSV, without the one for new fields, which are in `raw`. Their names and types depend on the
//! streams and the choice of fields, never on the data: a value that is not of its column's type is null there, and
//! in `raw` as it came.

mod file;
mod rows;
mod schema;

pub use self::file::ParquetFile;
pub(super) use self::rows::ParquetRows;
