//! Where the strings of a text begin and end: one bit for each byte that is a quote, a backslash or a control
//! character.
//!
//! Every byte of an answer is looked at here, once and without branches, with the widest instructions that
//! the processor has; what is read of it afterwards goes from mark to mark.

use fearless_simd::{Level, Simd, dispatch, prelude::*, u8x64};

/// How many bytes one word of marks is about.
pub(super) const BLOCK: usize = u64::BITS as usize;

/// The marks of each block of the body, the first byte in the lowest bit.
pub(super) fn of(body: &[u8]) -> Vec<u64> {
    let mut marks = Vec::new();
    fill(body, &mut marks);
    marks
}

/// The same, into memory that is used again.
pub(crate) fn fill(body: &[u8], marks: &mut Vec<u64>) {
    let (blocks, rest) = body.as_chunks();
    marks.clear();
    marks.resize(body.len().div_ceil(BLOCK), 0);
    let level = Level::new();
    dispatch!(level, simd => mark_all(simd, blocks, marks));
    if let Some(last) = marks.last_mut().filter(|_| !rest.is_empty()) {
        let mut block = [b' '; BLOCK];
        block[..rest.len()].copy_from_slice(rest);
        *last = dispatch!(level, simd => mark(simd, &block));
    }
}

#[inline(always)]
fn mark_all<S: Simd>(simd: S, blocks: &[[u8; BLOCK]], marks: &mut [u64]) {
    for (block, marks) in blocks.iter().zip(marks) {
        *marks = mark(simd, block);
    }
}

#[inline(always)]
fn mark<S: Simd>(simd: S, block: &[u8; BLOCK]) -> u64 {
    let bytes = u8x64::from_slice(simd, block);
    let special = bytes.simd_lt(u8x64::splat(simd, b' '))
        | bytes.simd_eq(u8x64::splat(simd, b'"'))
        | bytes.simd_eq(u8x64::splat(simd, b'\\'));
    special.to_bitmask()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn marked_are_the_special_bytes(
            mut body in prop::collection::vec(any::<u8>(), 0..300),
            quotes in prop::collection::vec(0..300_usize, 0..8),
        ) {
            for at in quotes.into_iter().filter(|at| *at < body.len()).collect::<Vec<_>>() {
                body[at] = b'"';
            }
            let marks = of(&body);
            prop_assert_eq!(marks.len(), body.len().div_ceil(BLOCK));
            for at in 0..marks.len() * BLOCK {
                let special = body.get(at).is_some_and(|b| *b < 0x20 || *b == b'"' || *b == b'\\');
                prop_assert_eq!(marks[at / BLOCK] >> (at % BLOCK) & 1 == 1, special, "{}", at);
            }
        }
    }
}
