//! Record entries and cells (section 4 of the ABI).

use crate::value::{Tag, NONE};

/// A value in the data area and its schema.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    pub off: u32,
    pub len: u32,
    /// Index in the batch's schemas, `NONE` = no schema.
    pub schema: u32,
    pub tag: u8,
    pub(crate) zero: [u8; 3],
}

impl Cell {
    /// Null without a schema.
    pub const NULL: Cell = Cell { off: 0, len: 0, schema: NONE, tag: 0, zero: [0; 3] };

    pub fn new(off: u32, len: u32, tag: Tag, schema: u32) -> Cell {
        Cell { off, len, schema, tag: tag as u8, zero: [0; 3] }
    }

    /// Null under a schema.
    pub fn null(schema: u32) -> Cell {
        Cell { schema, ..Cell::NULL }
    }

    /// The same value under another schema.
    #[inline]
    pub fn under(self, schema: u32) -> Cell {
        Cell { schema, ..self }
    }

    #[inline]
    pub fn tag(&self) -> Tag {
        Tag::of(self.tag).unwrap_or(Tag::Null)
    }

    #[inline]
    pub fn is_null(&self) -> bool {
        self.tag == Tag::Null as u8
    }

    /// Whether the value lies apart: the range holds [`crate::Part`]s.
    #[inline]
    pub fn is_apart(&self) -> bool {
        self.zero[0] != 0
    }

    pub(crate) fn set_apart(&mut self) {
        self.zero[0] = 1;
    }

    /// Number of the names of a map that lies apart, see [`crate::Layouts`]; 0: not known.
    #[inline]
    pub(crate) fn layout(&self) -> u16 {
        u16::from_le_bytes([self.zero[1], self.zero[2]])
    }

    #[inline]
    pub(crate) fn set_layout(&mut self, layout: u16) {
        [self.zero[1], self.zero[2]] = layout.to_le_bytes();
    }

    /// The first fields of the list, under names that are not known to be those of another one.
    #[inline]
    pub(crate) fn of_first(self, len: u32) -> Cell {
        Cell { len, zero: [self.zero[0], 0, 0], ..self }
    }
}

/// No timestamp.
pub const NO_TIMESTAMP: i64 = i64::MIN;

/// One record of a batch, 88 bytes, in the layout of the ABI.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Index in the batch's topics.
    pub topic: u32,
    /// −1 = none.
    pub partition: i32,
    /// Milliseconds since the epoch, or [`NO_TIMESTAMP`].
    pub timestamp: i64,
    /// Offset in Kafka (sinks), −1 = none.
    pub offset: i64,
    /// Record of the input (sources: of the poll) that this one came from.
    pub origin: u32,
    /// 0 none, 1 create time, 2 log append time.
    pub timestamp_type: u8,
    /// Bit 0: what the last predicate said. Bit 1: [`NO_TOPIC`].
    pub flags: u8,
    pub header_count: u16,
    pub key: Cell,
    pub value: Cell,
    pub headers_off: u32,
    pub headers_len: u32,
    /// Index in the batch's source partitions, `NONE` in sinks.
    pub source_partition: u32,
    pub source_offset_off: u32,
    /// `NONE` = null.
    pub source_offset_len: u32,
    pub(crate) zero: u32,
}

/// Flag of a record without a topic, whose index is that of an empty text.
pub const NO_TOPIC: u8 = 2;

/// Flag of a record that matched the last predicate.
pub(crate) const MATCHED: u8 = 1;

/// Flag of a record that has passed all stages, see [`crate::Batch::done`]. It never leaves the instance.
pub(crate) const DONE: u8 = 4;

/// Size of an entry in the ABI.
pub const ENTRY_BYTES: usize = 88;
const _: () = assert!(std::mem::size_of::<Entry>() == ENTRY_BYTES);

impl Entry {
    /// A record for a topic without anything else.
    pub fn new(topic: u32) -> Entry {
        Entry {
            topic,
            partition: -1,
            timestamp: NO_TIMESTAMP,
            offset: -1,
            origin: 0,
            timestamp_type: 0,
            flags: 0,
            header_count: 0,
            key: Cell::NULL,
            value: Cell::NULL,
            headers_off: 0,
            headers_len: 0,
            source_partition: NONE,
            source_offset_off: 0,
            source_offset_len: NONE,
            zero: 0,
        }
    }

    /// Whether there is a topic, be it an empty text.
    #[inline]
    pub fn has_topic(&self) -> bool {
        self.flags & NO_TOPIC == 0
    }

    /// Notes what the last predicate said.
    pub(crate) fn set_matched(&mut self, matched: bool) {
        self.flags = self.flags & !MATCHED | matched as u8;
    }

    /// Whether the record has passed all stages.
    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        self.flags & DONE != 0
    }

    #[inline]
    pub(crate) fn set_done(&mut self, done: bool) {
        self.flags = self.flags & !DONE | if done { DONE } else { 0 };
    }

    /// The offsets into the data area, with the lengths of what they point to.
    pub(crate) fn ranges(&mut self) -> [(&mut u32, u32); 4] {
        let offset_len = if self.source_offset_len == NONE { 0 } else { self.source_offset_len };
        [
            (&mut self.key.off, self.key.len),
            (&mut self.value.off, self.value.len),
            (&mut self.headers_off, self.headers_len),
            (&mut self.source_offset_off, offset_len),
        ]
    }
}
