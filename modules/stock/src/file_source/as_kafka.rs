//! The file source with the faults of Kafka's FileStreamSourceTask, for comparing with a JVM worker:
//!
//! - `extractLine` adds the characters (UTF-16 units) of a line to the position, and after a start `poll` skips as many
//!   bytes.
//! - `poll` looks for lines only when there is something to read. What a full batch has left in the buffer stays there
//!   until the file has grown.

use std::collections::VecDeque;

use berth_guest::{Batch, Context, Entry, Error, Next, Result, Source};

use super::{definition, FileSource, Input, LAST_SLEEP};
use crate::java_text::decode_utf8;

/// The worker's property, which it adds to a task's configuration.
const QUIRKS: &str = "berth.kafka.quirks.enable";
/// The size of the buffer at first, in characters. It is doubled when it is full, here not without end.
const BUFFER: usize = 1024;
const LAST_BUFFER: usize = 4 << 20;
/// Where a batch ends at the latest, in bytes; the poll goes on in the next one.
const BATCH_BYTES: usize = 128 << 10;

#[derive(Debug)]
pub(super) struct AsKafka {
    /// Opens, reads and makes records; its position counts as Kafka's does.
    file: FileSource,
    batch_size: usize,
    /// What was read and may end within a character.
    raw: Vec<u8>,
    /// Characters that were read and are not in the buffer yet.
    ahead: VecDeque<u16>,
    buffer: Vec<u16>,
    buffer_size: usize,
    /// Lines of Kafka's poll, and whether it goes on in the next batch, with what is in the buffer.
    lines: usize,
    goes_on: bool,
}

impl AsKafka {
    /// The source, if the worker wants it; standard input has no positions.
    pub(super) fn wanted(context: &Context) -> Result<Option<AsKafka>> {
        let config = definition().parse(&context.config)?;
        if context.config.get(QUIRKS) != Some("true") || config.text("file").is_none() {
            return Ok(None);
        }
        Ok(Some(AsKafka {
            file: FileSource::new(context)?,
            batch_size: config.int("batch.size").max(1) as usize,
            raw: Vec::new(),
            ahead: VecDeque::new(),
            buffer: Vec::new(),
            buffer_size: BUFFER,
            lines: 0,
            goes_on: false,
        }))
    }

    /// Reads on where nothing is ahead; false: there is nothing.
    fn ready(&mut self) -> Result<bool> {
        while self.ahead.is_empty() {
            let read = self.file.read(&mut self.raw)?;
            if read == 0 && self.raw.is_empty() {
                return Ok(false);
            }
            // What the end of the file cuts is malformed, whatever follows later.
            let end = if read == 0 { self.raw.len() } else { whole_characters(&self.raw) };
            let mut text = Vec::new();
            decode_utf8(&self.raw[..end], &mut text);
            self.ahead.extend(String::from_utf8_lossy(&text).encode_utf16());
            self.raw.drain(..end);
        }
        Ok(true)
    }

    fn fill_buffer(&mut self) -> Result<()> {
        while self.buffer.len() < self.buffer_size && self.ready()? {
            let most = self.ahead.len().min(self.buffer_size - self.buffer.len());
            self.buffer.extend(self.ahead.drain(..most));
        }
        if self.buffer.len() < self.buffer_size {
            return Ok(());
        }
        if self.buffer_size == LAST_BUFFER && next_line(&self.buffer).is_none() {
            let (at, name) = (self.file.position, &self.file.name);
            return Err(Error::connect(format!(
                "the line at position {at} of {name} is longer than {LAST_BUFFER} characters; is it a text file?"
            )));
        }
        self.buffer_size = (self.buffer_size * 2).min(LAST_BUFFER);
        Ok(())
    }

    /// Makes records of lines in the buffer, until there are no more or the poll or the batch is full. `read` is how many
    /// characters the batch has already; returns how many it has then.
    fn take_lines(&mut self, batch: &mut Batch, template: Entry, read: usize) -> usize {
        let mut at = 0;
        while self.lines < self.batch_size && !self.is_full(batch) {
            let Some((end, after)) = next_line(&self.buffer[at..]) else { break };
            let line = String::from_utf16_lossy(&self.buffer[at..at + end]);
            at += after;
            let mut entry = template;
            (entry.value.off, entry.value.len) = (batch.here(), line.len() as u32);
            entry.source_offset_off = (read + at) as u32;
            batch.arena.extend_from_slice(line.as_bytes());
            batch.entries.push(entry);
            self.lines += 1;
        }
        self.buffer.drain(..at);
        read + at
    }

    fn is_full(&self, batch: &Batch) -> bool {
        batch.entries.len() >= self.file.max_lines || batch.arena.len() >= BATCH_BYTES
    }
}

impl Source for AsKafka {
    fn poll(&mut self, batch: &mut Batch) -> Result<Next> {
        if matches!(self.file.input, Input::Waiting) && !self.file.open()? {
            return Ok(Next::After(LAST_SLEEP));
        }
        if !self.goes_on && !self.ready()? {
            return Ok(Next::After(LAST_SLEEP));
        }
        let (template, base, mut read) = (self.file.template(batch)?, batch.here() - batch.arena.len() as u32, 0);
        while self.goes_on || self.ready()? {
            if !std::mem::take(&mut self.goes_on) {
                self.fill_buffer()?;
            }
            read = self.take_lines(batch, template, read);
            if self.lines >= self.batch_size {
                break;
            }
            self.goes_on = self.is_full(batch);
            if self.goes_on {
                break;
            }
        }
        if !self.goes_on {
            self.lines = 0;
        }
        self.file.put_offsets(batch, base);
        self.file.position += read as u64;
        Ok(if batch.entries.is_empty() { Next::After(LAST_SLEEP) } else { Next::Now })
    }
}

/// Where the first line ends, and where the next one begins; a `\r` at the very end may be half of a `\r\n`.
fn next_line(buffer: &[u16]) -> Option<(usize, usize)> {
    let end = buffer.iter().position(|&c| c == u16::from(b'\n') || c == u16::from(b'\r'))?;
    if buffer[end] == u16::from(b'\n') {
        return Some((end, end + 1));
    }
    let next = *buffer.get(end + 1)?;
    Some((end, end + 1 + usize::from(next == u16::from(b'\n'))))
}

/// How many of the bytes are left without a character at their end whose rest is missing.
pub(super) fn whole_characters(bytes: &[u8]) -> usize {
    let tail = bytes.len().saturating_sub(3);
    let first = bytes[tail..].iter().rposition(|b| *b >= 0xC0).map_or(bytes.len(), |at| tail + at);
    match (&bytes[first..], std::str::from_utf8(&bytes[first..])) {
        ([0xED, 0xA0..=0xBF], _) => first, // half of a surrogate pair, which Java replaces as a whole
        (_, Err(error)) if error.error_len().is_none() => first,
        _ => bytes.len(),
    }
}
