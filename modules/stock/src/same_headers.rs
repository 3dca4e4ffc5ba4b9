//! Records of a batch that got their headers from one stage share them: what the next stage makes of them is made once.

use berth_guest::{Entry, Record};

/// What a stage made of the headers of the record before.
#[derive(Debug, Default)]
pub struct SameHeaders {
    generation: Option<u64>,
    from: Block,
    to: Block,
}

/// Where headers lie in the memory of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Block {
    count: u16,
    off: u32,
    len: u32,
}

impl Block {
    fn of(entry: &Entry) -> Block {
        let off = if entry.headers_len == 0 { 0 } else { entry.headers_off };
        Block { count: entry.header_count, off, len: entry.headers_len }
    }
}

impl SameHeaders {
    /// Gives the record what `make` makes of its headers; the error of `make` is that of each such record.
    #[inline]
    pub fn replace<E>(
        &mut self,
        record: &mut Record<'_>,
        make: impl FnOnce(&mut Record<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (from, generation) = (Block::of(record.entry), Some(record.dict.generation()));
        if self.from != from || self.generation != generation {
            make(record)?;
            *self = SameHeaders { generation, from, to: Block::of(record.entry) };
        }
        let Block { count, off, len } = self.to;
        (record.entry.header_count, record.entry.headers_off, record.entry.headers_len) = (count, off, len);
        Ok(())
    }
}
