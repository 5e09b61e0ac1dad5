//! Lines in blocks: as many whole lines as fit into a buffer, so that a block can be read on any thread.

use std::io::{self, Read};
use std::mem;

use memchr::{memchr, memrchr};

/// The size of a block: small enough for a processor's cache.
pub(super) const BLOCK: usize = 256 << 10;

/// The longest line (P9): an answer of the API has less than a megabyte.
pub(super) const LONGEST_LINE: usize = 16 << 20;

/// How much is kept of a line that is too long, which is refused.
const KEPT: usize = 64;

/// Whole lines, each with its line break.
#[derive(Debug, Default)]
pub(super) struct LineBlock {
    /// The lines, and behind them bytes that mean nothing: buffers are used again as they are.
    pub(super) bytes: Vec<u8>,
    /// Where the lines end.
    pub(super) end: usize,
    /// Whether the block is the beginning of one line that is too long.
    pub(super) is_too_long: bool,
}

/// Reads blocks.
pub(super) struct BlockReader<R> {
    reader: R,
    /// Whether lines are wanted as they come.
    is_live: bool,
    /// The beginning of the next line.
    carry: Vec<u8>,
    state: ReadState,
}

#[derive(Debug)]
enum ReadState {
    Open,
    Over,
    Failed(io::Error),
}

impl<R: Read> BlockReader<R> {
    pub(super) fn new(reader: R, is_live: bool) -> Self {
        BlockReader { reader, is_live, carry: Vec::new(), state: ReadState::Open }
    }

    /// The next block, in `buffer`; `None` at the end. A last line without a line break gets one.
    ///
    /// # Errors
    /// As the reader; the whole lines before have been given.
    pub(super) fn next(&mut self, mut buffer: Vec<u8>) -> io::Result<Option<LineBlock>> {
        let mut end = self.carry.len();
        if buffer.len() < BLOCK.max(2 * end) {
            buffer.resize(BLOCK.max(2 * end), 0);
        }
        buffer[..end].copy_from_slice(&self.carry);
        self.carry.clear();
        // There is no line break before this.
        let mut searched = end;
        while matches!(self.state, ReadState::Open) {
            if end == buffer.len() {
                if memrchr(b'\n', &buffer[searched..end]).is_some() {
                    break;
                }
                if end >= LONGEST_LINE {
                    return Ok(Some(self.pass_long_line(buffer)));
                }
                searched = end;
                buffer.resize((2 * end).min(LONGEST_LINE), 0);
            }
            let count = self.read(&mut buffer[end..]);
            end += count;
            if self.is_live && memchr(b'\n', &buffer[end - count..end]).is_some() {
                break;
            }
        }
        let last = memrchr(b'\n', &buffer[..end]).map_or(0, |last| last + 1);
        match mem::replace(&mut self.state, ReadState::Over) {
            ReadState::Over if end == 0 => return Ok(None),
            ReadState::Over => {
                if last < end {
                    buffer.truncate(end);
                    buffer.push(b'\n');
                    end += 1;
                }
                return Ok(Some(LineBlock { bytes: buffer, end, is_too_long: false }));
            }
            ReadState::Failed(error) if last == 0 => return Err(error),
            state => self.state = state,
        }
        self.carry.extend_from_slice(&buffer[last..end]);
        Ok(Some(LineBlock { bytes: buffer, end: last, is_too_long: false }))
    }

    /// Reads into `buffer`; 0 at the end and after a failure.
    fn read(&mut self, buffer: &mut [u8]) -> usize {
        loop {
            match self.reader.read(buffer) {
                Ok(0) => self.state = ReadState::Over,
                Ok(count) => return count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => self.state = ReadState::Failed(error),
            }
            return 0;
        }
    }

    /// Passes over the rest of the line that fills `buffer`.
    fn pass_long_line(&mut self, mut buffer: Vec<u8>) -> LineBlock {
        buffer.truncate(BLOCK);
        buffer.shrink_to_fit();
        while matches!(self.state, ReadState::Open) {
            let count = self.read(&mut buffer[KEPT..]);
            let read = &buffer[KEPT..KEPT + count];
            if let Some(at) = memchr(b'\n', read) {
                self.carry.extend_from_slice(&read[at + 1..]);
                break;
            }
        }
        buffer[KEPT] = b'\n';
        LineBlock { bytes: buffer, end: KEPT + 1, is_too_long: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its pieces one by one, then fails if it should.
    struct Pieces(Vec<Vec<u8>>, bool);

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Some(piece) = self.0.first_mut() else {
                return if self.1 { Err(io::Error::other("broken")) } else { Ok(0) };
            };
            let count = piece.len().min(buffer.len());
            buffer[..count].copy_from_slice(&piece[..count]);
            piece.drain(..count);
            if piece.is_empty() {
                self.0.remove(0);
            }
            Ok(count)
        }
    }

    fn blocks(pieces: &[&[u8]], fails: bool, is_live: bool) -> (Vec<String>, bool) {
        let pieces = Pieces(pieces.iter().map(|piece| piece.to_vec()).collect(), fails);
        let mut reader = BlockReader::new(pieces, is_live);
        let (mut found, mut buffer) = (Vec::new(), Vec::new());
        loop {
            match reader.next(buffer) {
                Ok(Some(block)) => {
                    found.push(String::from_utf8(block.bytes[..block.end].to_vec()).unwrap());
                    buffer = block.bytes;
                }
                Ok(None) => return (found, false),
                Err(_) => return (found, true),
            }
        }
    }

    #[test]
    fn every_line_is_whole_however_it_comes() {
        let pieces: [&[u8]; 5] = [b"a\nb", b"b\n", b"c", b"c", b"\nd"];
        assert_eq!(blocks(&pieces, false, false), (vec!["a\nbb\ncc\nd\n".to_owned()], false));
        let live = ["a\n", "bb\n", "cc\n", "d\n"].map(str::to_owned).to_vec();
        assert_eq!(blocks(&pieces, false, true), (live, false));
        assert_eq!(blocks(&[], false, false), (vec![], false));
        assert_eq!(blocks(&[b"\n"], false, true), (vec!["\n".to_owned()], false));
    }

    #[test]
    fn before_a_failure_the_whole_lines_are_given_and_no_other() {
        assert_eq!(blocks(&[b"a\nb", b"c"], true, false), (vec!["a\n".to_owned()], true));
        assert_eq!(blocks(&[b"ab"], true, false), (vec![], true));
    }

    #[test]
    fn lines_longer_than_a_block_are_read_and_endless_ones_are_passed_over() {
        let long = vec![b'x'; 3 * BLOCK];
        let (found, _) = blocks(&[b"a\n", &long, b"\nb\n"], false, false);
        assert_eq!(found.concat().len(), 2 + long.len() + 3);
        let endless = vec![b'x'; LONGEST_LINE + BLOCK];
        let mut reader =
            BlockReader::new(Pieces(vec![b"a\n".to_vec(), endless, b"\nb\n".to_vec()], false), false);
        let mut found = Vec::new();
        while let Some(block) = reader.next(Vec::new()).unwrap() {
            found.push((block.is_too_long, block.end));
        }
        assert_eq!(found, [(false, 2), (true, KEPT + 1), (false, 2)]);
    }
}
