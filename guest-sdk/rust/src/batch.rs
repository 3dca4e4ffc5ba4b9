//! A batch in memory: decoded from an event, changed by stages, encoded as a message. Values are never copied unless
//! they changed.

use crate::builder::Stack;
use crate::dictionary::{Dictionaries, Dictionary};
use crate::entry::{Entry, ENTRY_BYTES};
use crate::error::{malformed, Error, Kind, Result};
use crate::fields::{assemble, Part};
use crate::limits;
use crate::memory::{address, place_of, segment_of, Memory, SEGMENTS};
use crate::record::Arena;
use crate::sys;
use crate::value::{u32_at, Tag, ValueRef, NONE};

const MAGIC: u32 = 0x3152_5442;
const HEADER_BYTES: usize = 64;
const ERROR_BYTES: usize = 24;
const INPUT: u32 = 0x8000_0000;

/// A record (or the whole batch, origin `NONE`) that failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub origin: u32,
    pub stage: u32,
    pub error: Error,
}

/// Records on their way through the stages of one instance.
#[derive(Debug, Default)]
pub struct Batch {
    pub entries: Vec<Entry>,
    pub dict: Dictionaries,
    pub failures: Vec<Failure>,
    /// What earlier stages wrote.
    pub memory: Memory,
    /// What the current stage appends to.
    pub arena: Vec<u8>,
    pub input_count: u32,
    /// Sources: the batch ends a transaction.
    pub boundary: bool,
    pub(crate) stack: Stack,
    /// Lists of fields that lie apart.
    pub(crate) parts: Vec<Part>,
    /// Values are put together before every stage: what tests compare with.
    pub(crate) assembles: bool,
    /// How many entries are marked as done; 0: marks mean nothing.
    pub(crate) done: usize,
    /// Values of structs that are not done have still to be checked.
    pub(crate) unchecked: bool,
    spare: Vec<Vec<u8>>,
}

impl Batch {
    /// Forgets the content; memory is kept for the next batch.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.failures.clear();
        self.dict.clear();
        self.arena.clear();
        self.parts.clear();
        for mut arena in self.memory.arenas.drain(..) {
            arena.clear();
            self.spare.push(arena);
        }
        self.memory.input_start = 0;
        self.memory.input_end = 0;
        self.input_count = 0;
        self.boundary = false;
        self.done = 0;
        self.unchecked = false;
    }

    /// Offset of the next byte that the current stage appends.
    #[inline]
    pub fn here(&self) -> u32 {
        address(self.memory.current(), self.arena.len())
    }

    /// The value of a cell.
    pub fn value(&self, cell: &crate::entry::Cell) -> ValueRef<'_> {
        ValueRef::new(cell.tag(), self.memory.bytes(cell.off, cell.len))
    }

    /// Begins a stage: what was written so far becomes readable.
    pub(crate) fn begin_stage(&mut self) {
        if self.arena.is_empty() {
            return;
        }
        if self.memory.current() == SEGMENTS - 2 {
            self.push_arena();
            self.assemble(0); // where parts lie can't be moved
            self.gather();
        }
        self.push_arena();
    }

    fn push_arena(&mut self) {
        let next = self.spare.pop().unwrap_or_default();
        let written = std::mem::replace(&mut self.arena, next);
        self.memory.arenas.push(written);
    }

    /// Puts keys and values that lie apart together, into the arena of this stage.
    pub(crate) fn assemble(&mut self, stage: usize) {
        let segment = self.memory.current();
        let Batch { entries, memory, arena, stack, parts, failures, .. } = self;
        entries.retain_mut(|entry| {
            for cell in [&mut entry.key, &mut entry.value].into_iter().filter(|cell| cell.is_apart()) {
                match assemble(cell, memory, &mut Arena::new(arena, segment, stack, parts)) {
                    Ok(whole) => *cell = whole,
                    Err(error) => {
                        failures.push(Failure { origin: entry.origin, stage: stage as u32, error });
                        return false;
                    }
                }
            }
            true
        });
        parts.clear();
    }

    /// Takes over the batch of an event: `event[start..]` is `head ‖ data`. `later`: structs are left to
    /// [`Batch::check_structs`].
    pub(crate) fn load(&mut self, event: Vec<u8>, start: usize, end: usize, later: bool) -> Result<()> {
        self.clear();
        self.unchecked = later;
        self.memory.input = event;
        let (data_start, input_count) = {
            let bytes = self.memory.input.get(start..end).ok_or_else(|| malformed("batch"))?;
            let loaded = load_head(bytes, &mut self.dict, &mut self.entries).ok_or_else(|| malformed("batch"))?;
            (start + loaded.0, loaded.1)
        };
        self.memory.input_start = data_start;
        self.memory.input_end = end;
        self.input_count = input_count;
        self.load_failures(start)?;
        self.check()
    }

    /// Reads the error entries, of which a batch of the host has none.
    fn load_failures(&mut self, start: usize) -> Result<()> {
        let field = |at: usize| u32_at(&self.memory.input, start + at).unwrap_or(0);
        let (table, count) = (start + field(44) as usize, field(48) as usize);
        for i in 0..count.min(limits::BATCH_RECORDS) {
            let word = |k: usize| u32_at(&self.memory.input, table + ERROR_BYTES * i + 4 * k);
            let entry = || Some((word(0)?, word(1)?, Kind::of(word(2)?)?, word(4)?, word(5)?));
            let (origin, stage, kind, off, len) = entry().ok_or_else(|| malformed("error entry"))?;
            let error = Error::of_text(kind, &String::from_utf8_lossy(self.memory.bytes(off, len)));
            self.failures.push(Failure { origin, stage, error });
        }
        Ok(())
    }

    /// Gives the input's buffer back.
    pub(crate) fn take_input(&mut self) -> Vec<u8> {
        self.memory.input_end = 0;
        self.memory.input_start = 0;
        std::mem::take(&mut self.memory.input)
    }

    fn check(&mut self) -> Result<()> {
        let data_len = (self.memory.input_end - self.memory.input_start) as u64;
        let (topics, schemas) = (self.dict.topics.len() as u32, self.dict.schemas.len() as u32);
        let partitions = self.dict.partitions.len() as u32;
        let mut entries = std::mem::take(&mut self.entries);
        let ok = entries.iter_mut().all(|e| {
            let known = |i: u32, n: u32| i == NONE || i < n;
            e.topic < topics
                && [e.key.zero, e.value.zero] == [[0; 3]; 2]
                && known(e.key.schema, schemas)
                && known(e.value.schema, schemas)
                && known(e.source_partition, partitions)
                && e.ranges().iter().all(|(off, len)| **off as u64 + *len as u64 <= data_len)
                && self.check_cell(&e.key)
                && (self.unchecked && is_typed_struct(&e.value) || self.check_cell(&e.value))
        });
        self.entries = entries;
        if ok {
            Ok(())
        } else {
            Err(malformed("record"))
        }
    }

    /// Checks the structs that were left and are not done.
    pub(crate) fn check_structs(&mut self) -> Result<()> {
        if !std::mem::take(&mut self.unchecked) {
            return Ok(());
        }
        let is_left = |e: &&Entry| is_typed_struct(&e.value) && !(self.done > 0 && e.is_done());
        match self.entries.iter().filter(is_left).all(|e| self.check_cell(&e.value)) {
            true => Ok(()),
            false => Err(malformed("record")),
        }
    }

    fn check_cell(&self, cell: &crate::entry::Cell) -> bool {
        match Tag::of(cell.tag) {
            None => false,
            Some(Tag::Raw | Tag::Bytes) => true,
            Some(tag) => ValueRef::new(tag, self.memory.bytes(cell.off, cell.len)).check().is_ok(),
        }
    }

    /// Copies all live values into one arena.
    fn gather(&mut self) {
        let current = self.memory.current();
        let written = std::mem::take(&mut self.arena);
        self.memory.arenas.push(written);
        let mut all = self.spare.pop().unwrap_or_default();
        let mut entries = std::mem::take(&mut self.entries);
        for (off, len) in entries.iter_mut().flat_map(|e| e.ranges()) {
            if segment_of(*off) != 0 && segment_of(*off) <= current {
                let place = all.len();
                all.extend_from_slice(self.memory.bytes(*off, len));
                *off = address(1, place);
            }
        }
        self.entries = entries;
        for mut arena in self.memory.arenas.drain(..) {
            arena.clear();
            self.spare.push(arena);
        }
        self.arena = all;
    }

    /// Writes the head; returns the data area that belongs to it. Entries now hold the offsets of the ABI.
    pub(crate) fn encode(&mut self, head: &mut Vec<u8>) -> Result<&[u8]> {
        self.begin_stage();
        self.assemble(NONE as usize);
        self.begin_stage();
        let data = self.merge();
        head.clear();
        head.resize(HEADER_BYTES, 0);
        let counts = [self.entries.len(), self.dict.topics.len(), self.dict.schemas.len(), self.dict.partitions.len()];
        let mut tables = [0; 3];
        for (i, dictionary) in [&self.dict.topics, &self.dict.schemas, &self.dict.partitions].into_iter().enumerate() {
            tables[i] = encode_dictionary(dictionary, head);
        }
        head.resize(head.len().next_multiple_of(8), 0);
        let records = head.len();
        head.extend_from_slice(sys::entry_bytes(&self.entries));
        let errors = head.len();
        self.arena = data;
        for failure in &self.failures {
            let text = failure.error.text();
            let message = limits::cut(&text, limits::ERROR_BYTES);
            let class = limits::cut(failure.error.class.unwrap_or(""), limits::ERROR_CLASS_BYTES);
            let (code, class_len) = (failure.error.kind as u32, class.len() as u32);
            let fields = [failure.origin, failure.stage, code, class_len, self.arena.len() as u32];
            fields.iter().for_each(|n| head.extend_from_slice(&n.to_le_bytes()));
            head.extend_from_slice(&(message.len() as u32).to_le_bytes());
            self.arena.extend_from_slice(message.as_bytes());
            self.arena.extend_from_slice(class.as_bytes());
        }
        if head.len() + self.arena.len() > limits::BATCH_BYTES {
            return Err(Error::connect(format!(
                "a batch of {} records grew to {} bytes; the limit is {} bytes: use smaller batches",
                self.entries.len(),
                head.len() + self.arena.len(),
                limits::BATCH_BYTES
            )));
        }
        let fields = [
            MAGIC as usize,
            head.len(),
            self.arena.len(),
            counts[0],
            tables[0],
            counts[1],
            tables[1],
            counts[2],
            tables[2],
            counts[3],
            records,
            errors,
            self.failures.len(),
            self.input_count as usize,
        ];
        for (i, field) in fields.iter().enumerate() {
            head[4 * i..4 * i + 4].copy_from_slice(&(*field as u32).to_le_bytes());
        }
        Ok(&self.arena)
    }

    /// The data area, once encoded.
    pub(crate) fn data(&self) -> &[u8] {
        &self.arena
    }

    /// Picks the arena that holds most of the live bytes as the data area, appends what lives elsewhere, and turns
    /// offsets in memory into offsets of the ABI.
    fn merge(&mut self) -> Vec<u8> {
        let mut live = [0usize; SEGMENTS];
        if self.memory.arenas.len() > 1 {
            for (off, len) in self.entries.iter_mut().flat_map(|e| e.ranges()) {
                live[segment_of(*off)] += len as usize;
            }
        }
        let main = (1..=self.memory.arenas.len()).max_by_key(|s| live[*s]).unwrap_or(0);
        let mut data = match main {
            0 => std::mem::take(&mut self.arena),
            _ => std::mem::take(&mut self.memory.arenas[main - 1]),
        };
        let memory = &self.memory;
        for (off, len) in self.entries.iter_mut().flat_map(|e| e.ranges()) {
            let segment = segment_of(*off);
            *off = if len == 0 {
                0
            } else if segment == 0 {
                place_of(*off) | INPUT
            } else if segment == main {
                place_of(*off)
            } else {
                let place = data.len() as u32;
                data.extend_from_slice(memory.bytes(*off, len));
                place
            };
        }
        data
    }
}

/// Whether it is a struct with a schema.
fn is_typed_struct(cell: &crate::entry::Cell) -> bool {
    cell.tag == Tag::Struct as u8 && cell.schema != NONE
}

fn encode_dictionary(dictionary: &Dictionary, head: &mut Vec<u8>) -> usize {
    head.resize(head.len().next_multiple_of(4), 0);
    let table = head.len();
    head.resize(table + 8 * dictionary.len(), 0);
    for (i, item) in dictionary.items().iter().enumerate() {
        let at = table + 8 * i;
        let off = head.len() as u32;
        head[at..at + 4].copy_from_slice(&off.to_le_bytes());
        head[at + 4..at + 8].copy_from_slice(&(item.len() as u32).to_le_bytes());
        head.extend_from_slice(item);
    }
    table
}

/// Reads header, dictionaries and entries; returns the length of the head and the input count.
fn load_head(bytes: &[u8], dict: &mut Dictionaries, entries: &mut Vec<Entry>) -> Option<(usize, u32)> {
    let field = |at: usize| u32_at(bytes, at).map(|n| n as usize);
    let (head_len, data_len, count) = (field(4)?, field(8)?, field(12)?);
    let sound = u32_at(bytes, 0)? == MAGIC
        && head_len >= HEADER_BYTES
        && head_len.checked_add(data_len)? == bytes.len()
        && bytes.len() <= limits::BATCH_BYTES
        && count <= limits::BATCH_RECORDS;
    if !sound {
        return None;
    }
    let head = &bytes[..head_len];
    load_dictionary(head, field(16)?, field(20)?, &mut dict.topics, |t| std::str::from_utf8(t).is_ok())?;
    load_dictionary(head, field(24)?, field(28)?, &mut dict.schemas, |_| true)?;
    load_dictionary(head, field(32)?, field(36)?, &mut dict.partitions, |p| {
        ValueRef::new(Tag::Map, p).check().is_ok()
    })?;
    let records = field(40)?;
    if records % 8 != 0 {
        return None;
    }
    let end = records.checked_add(count.checked_mul(ENTRY_BYTES)?)?;
    sys::extend_entries(entries, head.get(records..end)?);
    Some((head_len, field(52)? as u32))
}

fn load_dictionary(
    head: &[u8],
    table: usize,
    count: usize,
    into: &mut Dictionary,
    sound: impl Fn(&[u8]) -> bool,
) -> Option<()> {
    if count > limits::DICTIONARY_ITEMS || (count > 0 && !table.is_multiple_of(4)) {
        return None;
    }
    for i in 0..count {
        let at = table.checked_add(8 * i)?;
        let off = u32_at(head, at)? as usize;
        let len = u32_at(head, at + 4)? as usize;
        let item = head.get(off..off.checked_add(len)?)?;
        if !sound(item) {
            return None;
        }
        into.push(item);
    }
    Some(())
}
