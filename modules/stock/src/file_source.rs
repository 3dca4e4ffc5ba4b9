//! FileStreamSource: lines of a file, followed as it grows, or of standard input.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use berth_guest::files::{identity, read_append, Identity};
use berth_guest::{
    is_utf8, side, Batch, ConfigDef, ConfigKey, ConfigType, Connector, Context, Entry, Error, Importance, Make, Next,
    Plugin, Result, SameConfig, Source, Tag, Validator, Value,
};
use memchr::{memchr, memchr2};

use crate::paths;
use as_kafka::AsKafka;

mod as_kafka;
mod offsets;

/// First size of a read, in bytes; it follows the size of the batches that come of it.
const CHUNK_BYTES: usize = 128 << 10;
/// Smallest and largest read.
const MIN_CHUNK_BYTES: usize = 4 << 10;
const MAX_CHUNK_BYTES: usize = 1 << 20;
/// Longest line, in bytes.
const LINE_BYTES: usize = 16 << 20;
/// Sleep when there was nothing to read, doubled each time up to the second that Connect sleeps.
const FIRST_SLEEP: Duration = Duration::from_millis(10);
const LAST_SLEEP: Duration = Duration::from_secs(1);

pub fn plugin() -> Plugin {
    let connector = |context: &Context| -> Result<Box<dyn Connector>> {
        definition().parse(&context.config)?;
        Ok(Box::new(SameConfig { config: context.config.clone(), limit: 1 }))
    };
    Plugin::new(
        "org.apache.kafka.connect.file.FileStreamSourceConnector",
        crate::KAFKA_VERSION,
        "Reads a file line by line and follows it as it grows.",
        Make::Source(connector, task),
    )
    .aliases(&["FileStreamSource", "FileStreamSourceConnector"])
    .task_class("org.apache.kafka.connect.file.FileStreamSourceTask")
    .capabilities(&["files", "stdio"])
    .config(definition())
    .alter_offsets(offsets::alter)
    .exactly_once(|config| Ok(Some(config.get("file").is_some())))
}

fn task(context: &Context) -> Result<Box<dyn Source>> {
    Ok(match AsKafka::wanted(context)? {
        Some(quirks) => Box::new(quirks),
        None => Box::new(FileSource::new(context)?),
    })
}

fn definition() -> ConfigDef {
    ConfigDef::new(vec![
        ConfigKey::new("file", ConfigType::String, "File to read. Without it, lines come from standard input.")
            .null()
            .importance(Importance::High),
        ConfigKey::new("topic", ConfigType::String, "Topic that the lines go to.")
            .importance(Importance::High)
            .validator(Validator::NonEmpty),
        ConfigKey::new("batch.size", ConfigType::Int, "Most lines that one poll of the task returns.")
            .default("2000")
            .importance(Importance::Low),
    ])
}

/// Where bytes come from.
#[derive(Debug)]
enum Input {
    Stdin(io::Stdin),
    Waiting,
    Open(File, Identity),
}

#[derive(Debug)]
struct FileSource {
    path: Option<PathBuf>,
    name: String,
    topic: String,
    partition: Vec<u8>,
    max_lines: usize,
    max_bytes: usize,
    input: Input,
    /// Where the next line begins, in bytes from the start of the file.
    position: u64,
    /// What was read behind the last complete line.
    rest: Vec<u8>,
    /// How much of `rest` is known to hold no line end.
    scanned: usize,
    /// The last batch was full: `rest` may hold further lines.
    more: bool,
    chunk: usize,
    sleep: Duration,
}

impl FileSource {
    fn new(context: &Context) -> Result<FileSource> {
        let config = definition().parse(&context.config)?;
        let name = config.string("file");
        let path = match config.text("file") {
            Some(file) => Some(paths::granted(file, "file", &context.files)?),
            None if context.stdio => None,
            None => return Err(paths::no_stdio("input")),
        };
        let partition = Value::map([("filename", Value::str(&name))]);
        let mut payload = Vec::new();
        partition.encode(&mut payload);
        let stored = context.offset(&partition).and_then(|offset| offset.get("position").as_int());
        Ok(FileSource {
            input: if path.is_some() { Input::Waiting } else { Input::Stdin(io::stdin()) },
            path,
            name,
            topic: config.string("topic"),
            partition: payload,
            max_lines: (config.int("batch.size").max(1) as usize).min(context.batch_records),
            max_bytes: context.batch_bytes,
            position: stored.unwrap_or(0).max(0) as u64,
            rest: Vec::new(),
            scanned: 0,
            more: false,
            chunk: CHUNK_BYTES,
            sleep: FIRST_SLEEP,
        })
    }

    fn failed(&self, what: &str, error: io::Error) -> Error {
        Error::connect(format!("{what} {} failed at byte {}: {error}", self.name, self.position))
    }

    /// Opens the file if it is there.
    fn open(&mut self) -> Result<bool> {
        let Some(path) = &self.path else { return Ok(true) };
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(self.failed("opening", error)),
        };
        let id = identity(&file).map_err(|error| self.failed("looking at", error))?;
        if id.size < self.position {
            self.warn_truncated(id.size);
            self.position = 0;
        }
        file.seek(SeekFrom::Start(self.position)).map_err(|error| self.failed("seeking in", error))?;
        self.rest.clear();
        self.scanned = 0;
        self.input = Input::Open(file, id);
        Ok(true)
    }

    fn warn_truncated(&self, size: u64) {
        let (name, position) = (&self.name, self.position);
        side::warn(&format!(
            "{name} has {size} bytes, fewer than the {position} already read: it was truncated or replaced; \
             reading it from its start"
        ));
    }

    /// Appends up to a chunk to `out`; 0 = nothing there now.
    fn read(&mut self, out: &mut Vec<u8>) -> Result<usize> {
        let outcome = match &self.input {
            Input::Stdin(stdin) => read_append(stdin, out, self.chunk),
            Input::Open(file, _) => read_append(file, out, self.chunk),
            Input::Waiting => Ok(0),
        };
        match outcome {
            Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => Ok(0),
            other => other.map_err(|error| self.failed("reading", error)),
        }
    }

    /// At the end of the file: has it been replaced or cut? Gives back what was left of a replaced file.
    fn look_again(&mut self) -> Result<Option<Vec<u8>>> {
        let (Some(path), Input::Open(file, id)) = (&self.path, &self.input) else { return Ok(None) };
        let now = identity(file).map_err(|error| self.failed("looking at", error))?;
        let read = self.position + self.rest.len() as u64;
        if now.size < read {
            self.warn_truncated(now.size);
            self.position = 0;
            self.input = Input::Waiting;
            return Ok(None);
        }
        let replaced = match File::open(path) {
            Ok(other) => identity(&other).is_ok_and(|other| !other.same_file(id)),
            Err(_) => false,
        };
        // A writer may go on writing to the old file for a moment, so it must have been quiet for the longest sleep.
        if !replaced || now.size > read || self.sleep < LAST_SLEEP {
            return Ok(None);
        }
        side::info(&format!("{} was replaced; all of the old file was read, now reading the new one", self.name));
        self.position = 0;
        self.input = Input::Waiting;
        self.scanned = 0;
        Ok(Some(std::mem::take(&mut self.rest)))
    }

    fn idle(&mut self) -> Next {
        let sleep = self.sleep;
        self.sleep = (sleep * 2).min(LAST_SLEEP);
        match self.input {
            Input::Stdin(_) => Next::Readable(0),
            _ => Next::After(sleep),
        }
    }

    /// Cuts `batch.arena` into records; what follows the last complete line goes to `rest`.
    fn cut(&mut self, batch: &mut Batch) -> Result<()> {
        let base = batch.here() - batch.arena.len() as u32;
        let arena = std::mem::take(&mut batch.arena);
        let mut lines = Lines { bytes: &arena, at: 0, scan: self.scanned, returns: None };
        let mut template = self.template(batch)?;
        let (ascii, returns) = look_over(&arena);
        lines.returns = Some(returns);
        while batch.entries.len() < self.max_lines {
            let Some((start, end)) = lines.next() else { break };
            template.value.off = base + start as u32;
            template.value.len = (end - start) as u32;
            template.source_offset_off = lines.at as u32;
            batch.entries.push(template);
        }
        let used = lines.at;
        self.more = batch.entries.len() >= self.max_lines;
        self.scanned = if self.more { 0 } else { arena.len() - used };
        self.keep_rest(&arena[used..], returns)?;
        self.adapt(used, batch.entries.len());
        batch.arena = arena;
        batch.arena.truncate(used);
        if !ascii && !is_utf8(&batch.arena) {
            replace_malformed(batch, base);
        }
        self.put_offsets(batch, base);
        self.position += used as u64;
        Ok(())
    }

    fn keep_rest(&mut self, rest: &[u8], returns: bool) -> Result<()> {
        self.rest.clear();
        self.rest.extend_from_slice(rest);
        if returns {
            self.scanned = self.scanned.saturating_sub(1);
        }
        if self.scanned > LINE_BYTES {
            return Err(Error::connect(format!(
                "the line at byte {} of {} is longer than {LINE_BYTES} bytes; is it a text file?",
                self.position, self.name
            )));
        }
        Ok(())
    }

    /// Makes reads as large as the batches that come of them, and larger for lines that do not end.
    fn adapt(&mut self, used: usize, lines: usize) {
        let wanted = if lines >= self.max_lines { used + used / 8 } else { self.chunk.max(self.rest.len()) * 2 };
        let most = self.max_bytes.clamp(MIN_CHUNK_BYTES, MAX_CHUNK_BYTES).max(self.scanned.min(LINE_BYTES));
        self.chunk = wanted.clamp(MIN_CHUNK_BYTES, most);
    }

    /// What all records of a batch have in common.
    fn template(&self, batch: &mut Batch) -> Result<Entry> {
        let mut entry = Entry::new(batch.dict.intern_topic(&self.topic)?);
        entry.timestamp = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_millis() as i64);
        entry.value.tag = Tag::String as u8;
        entry.value.schema = batch.dict.intern_schema_bytes(&[7, 0])?;
        entry.source_partition = batch.dict.intern_partition(&self.partition)?;
        Ok(entry)
    }

    /// Writes the source offsets; each entry holds where its line ended. Standard input has none.
    fn put_offsets(&self, batch: &mut Batch, base: u32) {
        if self.path.is_none() {
            batch.entries.iter_mut().for_each(|e| e.source_offset_off = 0);
            return;
        }
        let mut payload = Vec::new();
        Value::map([("position", Value::Int64(0))]).encode(&mut payload);
        let number = 1 + "position".len() + 1;
        batch.arena.reserve(payload.len() * batch.entries.len());
        for entry in &mut batch.entries {
            let position = self.position + entry.source_offset_off as u64;
            payload[number..number + 8].copy_from_slice(&position.to_le_bytes());
            entry.source_offset_off = base + batch.arena.len() as u32;
            entry.source_offset_len = payload.len() as u32;
            batch.arena.extend_from_slice(&payload);
        }
    }
}

/// Whether all bytes are ASCII, and whether one is `\r`, in one pass.
fn look_over(bytes: &[u8]) -> (bool, bool) {
    let (all, returns) = bytes.iter().fold((0, false), |(all, returns), &b| (all | b, returns | (b == b'\r')));
    (all < 0x80, returns)
}

/// Finds lines: they end with `\n`, `\r` or `\r\n`; a `\r` at the very end may be half of a `\r\n` and waits.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    scan: usize,
    returns: Option<bool>,
}

impl Iterator for Lines<'_> {
    type Item = (usize, usize);

    #[inline]
    fn next(&mut self) -> Option<(usize, usize)> {
        let start = self.at;
        let from = start + std::mem::take(&mut self.scan);
        let rest = self.bytes.get(from..)?;
        if self.returns == Some(false) {
            let end = from + memchr(b'\n', rest)?;
            self.at = end + 1;
            return Some((start, end));
        }
        let end = from + memchr2(b'\n', b'\r', rest)?;
        let mut after = end + 1;
        if self.bytes[end] == b'\r' {
            after += (*self.bytes.get(after)? == b'\n') as usize;
        }
        self.at = after;
        Some((start, end))
    }
}

/// Rewrites lines that are not UTF-8 with U+FFFD for each malformed sequence, as Java decodes them.
fn replace_malformed(batch: &mut Batch, base: u32) {
    let mut clean = Vec::new();
    for entry in &mut batch.entries {
        let start = (entry.value.off - base) as usize;
        let line = &batch.arena[start..start + entry.value.len as usize];
        if std::str::from_utf8(line).is_err() {
            let text = String::from_utf8_lossy(line);
            entry.value.off = base + (batch.arena.len() + clean.len()) as u32;
            entry.value.len = text.len() as u32;
            clean.extend_from_slice(text.as_bytes());
        }
    }
    batch.arena.extend_from_slice(&clean);
}

impl Source for FileSource {
    fn poll(&mut self, batch: &mut Batch) -> Result<Next> {
        if matches!(self.input, Input::Waiting) && !self.open()? {
            return Ok(self.idle());
        }
        batch.arena.extend_from_slice(&self.rest);
        if !self.more && self.read(&mut batch.arena)? == 0 {
            batch.arena.clear();
            if let Some(last) = self.look_again()? {
                return self.finish_replaced(batch, last);
            }
            return Ok(self.idle());
        }
        self.cut(batch)?;
        self.sleep = FIRST_SLEEP;
        Ok(Next::Now)
    }
}

impl FileSource {
    /// The last line of a file that was replaced needs no line end any more.
    fn finish_replaced(&mut self, batch: &mut Batch, last: Vec<u8>) -> Result<Next> {
        self.sleep = FIRST_SLEEP;
        let line = last.strip_suffix(b"\r").unwrap_or(&last);
        if last.is_empty() {
            return Ok(Next::Now);
        }
        let base = batch.here();
        let mut entry = self.template(batch)?;
        entry.value.off = base;
        let text = String::from_utf8_lossy(line);
        entry.value.len = text.len() as u32;
        batch.arena.extend_from_slice(text.as_bytes());
        batch.entries.push(entry);
        self.put_offsets(batch, base);
        Ok(Next::Now)
    }
}

#[cfg(test)]
mod tests;
