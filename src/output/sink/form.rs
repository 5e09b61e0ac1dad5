//! Files that are not their events one after another: what makes their bytes.

use std::fmt;

use crate::error::Result;

/// Makes one file of encoded events, as a file of columns is made of rows. It holds some of them in memory.
pub trait FileForm: Send + fmt::Debug {
    /// Takes whole encoded events; appends to `out` what of the file is known by then.
    ///
    /// # Errors
    /// Fails where no file can be made of them.
    fn add(&mut self, events: &[u8], out: &mut Vec<u8>) -> Result<()>;

    /// How many bytes of events are held in memory.
    fn held(&self) -> usize;

    /// Appends to `out` what is held.
    ///
    /// # Errors
    /// As [`FileForm::add`].
    fn release(&mut self, out: &mut Vec<u8>) -> Result<()>;

    /// Appends to `out` what is held, and the end of the file.
    ///
    /// # Errors
    /// As [`FileForm::add`].
    fn end(&mut self, out: &mut Vec<u8>) -> Result<()>;

    /// The same for another file.
    ///
    /// # Errors
    /// As [`FileForm::add`].
    fn another(&self) -> Result<Box<dyn FileForm>>;
}
