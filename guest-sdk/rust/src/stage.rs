//! The stages of an instance and how a batch passes them.

use std::ops::Range;

use crate::batch::{Batch, Failure};
use crate::dictionary::Dictionaries;
use crate::entry::{Cell, Entry, DONE, MATCHED};
use crate::error::{Error, Result};
use crate::fields::{list, Decode};
use crate::memory::Memory;
use crate::plan::{Context, Plan, StageKind};
use crate::plugin::{Converter, Make, Outcome, Plugin, Predicate, Sink, Source, Transform};
use crate::port::Ask;
use crate::record::{put_header, Arena, CellOut, Headers, Record};
use crate::side::{self, Phase};
use crate::value::{Tag, ValueRef, NONE};

pub(crate) enum Work {
    Source(Box<dyn Source>),
    Sink(Box<dyn Sink>),
    Transform(Box<dyn Transform>),
    Predicate(Box<dyn Predicate>),
    Converter(Box<dyn Converter>, StageKind),
}

pub(crate) struct Stage {
    pub work: Work,
    /// Of the plugin.
    pub version: &'static str,
    pub from: bool,
    pub guarded: bool,
    negate: bool,
}

impl Stage {
    /// Whether keys and values that lie apart may come to it so.
    fn takes_apart(&mut self) -> bool {
        match &mut self.work {
            Work::Transform(transform) => transform.takes_apart(),
            Work::Predicate(predicate) => predicate.takes_apart(),
            Work::Converter(converter, kind) => {
                !self.from || *kind == StageKind::HeaderConverter || converter.parts_writer().is_some()
            }
            Work::Source(_) => true,
            Work::Sink(sink) => sink.ignores_values(),
        }
    }
}

/// What reads the texts that converters of these stages leave unread.
pub(crate) fn decoder(stages: &[Stage]) -> Option<Decode> {
    stages.iter().find_map(|stage| match &stage.work {
        Work::Converter(converter, _) => converter.decode(),
        _ => None,
    })
}

/// Makes the stages of a plan; the error says which one failed.
pub(crate) fn make(plan: &Plan, plugins: &[Plugin]) -> std::result::Result<Vec<Stage>, (usize, Error)> {
    let mut stages = Vec::new();
    for (i, planned) in plan.stages.iter().enumerate() {
        side::at(Phase::Start, i);
        let context = Context::of(plan, planned);
        let (work, version) = make_one(&context, &planned.plugin, plugins).map_err(|error| (i, error))?;
        stages.push(Stage { work, version, from: planned.from, guarded: planned.guarded, negate: planned.negate });
    }
    Ok(stages)
}

fn make_one(context: &Context, name: &str, plugins: &[Plugin]) -> Result<(Work, &'static str)> {
    use StageKind::{HeaderConverter, KeyConverter, Predicate, Sink, Source, Transform, ValueConverter};
    for plugin in plugins.iter().filter(|p| p.answers_to(name)) {
        let work = match (plugin.make, context.kind) {
            (Make::Source(_, new), Source) => Work::Source(new(context)?),
            (Make::Sink(_, new), Sink) => Work::Sink(new(context)?),
            (Make::Transform(new), Transform) => Work::Transform(new(context)?),
            (Make::Predicate(new), Predicate) => Work::Predicate(new(context)?),
            (Make::Converter(new), KeyConverter | ValueConverter | HeaderConverter) => {
                Work::Converter(new(context)?, context.kind)
            }
            _ => continue,
        };
        return Ok((work, plugin.version));
    }
    Err(unknown(name))
}

pub(crate) fn unknown(name: &str) -> Error {
    Error::config(format!("unknown plugin {name}"))
}

/// Runs these of the stages over the records of the batch that are not done, and leaves it as the sink wants it.
pub(crate) fn run(stages: &mut [Stage], which: Range<usize>, batch: &mut Batch, port: &mut dyn Ask) {
    if batch.done == 0 || batch.done < batch.entries.len() {
        run_each(stages, which, batch, port);
    }
    if batch.done > 0 {
        batch.entries.iter_mut().for_each(|entry| entry.set_done(false));
    }
    drop_failed(batch);
}

fn run_each(stages: &mut [Stage], which: Range<usize>, batch: &mut Batch, port: &mut dyn Ask) {
    for (i, stage) in stages.iter_mut().enumerate().take(which.end).skip(which.start) {
        batch.begin_stage();
        side::at(Phase::Apply, i);
        if batch.assembles || !stage.takes_apart() {
            batch.assemble(i);
            batch.begin_stage();
        }
        match &mut stage.work {
            Work::Source(_) | Work::Sink(_) => {}
            Work::Transform(transform) => {
                let passed_by = match stage.guarded {
                    true => PassedBy::said(stage.negate),
                    false => PassedBy::done(batch),
                };
                transform.apply_to_all(&mut Pass { batch, stage: i, passed_by });
            }
            Work::Predicate(predicate) => Pass { passed_by: PassedBy::done(batch), batch, stage: i }.each(|record| {
                let matched = predicate.test(record)?;
                record.entry.set_matched(matched);
                Ok(Outcome::Keep)
            }),
            Work::Converter(converter, kind) => {
                convert_all(
                    batch,
                    *kind,
                    Conversion { converter: converter.as_mut(), from: stage.from, stage: i, port, apart: true },
                );
            }
        }
        if fail_as_a_whole(batch) {
            return;
        }
    }
}

/// A pass of one stage over the records of a batch.
#[derive(Debug)]
pub struct Pass<'b> {
    batch: &'b mut Batch,
    stage: usize,
    passed_by: PassedBy,
}

/// Records that a stage leaves as they are, by the flags that they have of some.
#[derive(Clone, Copy, Debug)]
struct PassedBy {
    of: u8,
    has: u8,
}

impl PassedBy {
    /// Those of which the last predicate said that. In a chain with predicates none is ever done.
    fn said(matched: bool) -> PassedBy {
        PassedBy { of: MATCHED, has: if matched { MATCHED } else { 0 } }
    }

    fn done(batch: &Batch) -> PassedBy {
        PassedBy { of: if batch.done > 0 { DONE } else { 0 }, has: DONE }
    }

    #[inline(always)]
    fn takes(self, entry: &Entry) -> bool {
        entry.flags & self.of == self.has
    }
}

impl Pass<'_> {
    /// Applies `apply` to each record, where it lies, and takes out those that are dropped.
    #[inline]
    pub fn each(&mut self, mut apply: impl FnMut(&mut Record<'_>) -> Result<Outcome>) {
        let segment = self.batch.memory.current();
        let Batch { entries, memory, dict, arena, stack, parts, failures, .. } = &mut *self.batch;
        let (mut gone, mut more, mut splits, mut emitted) = (Vec::new(), Vec::new(), Vec::new(), 0);
        let mut nothing = Entry::new(NONE);
        let arena = Arena::new(arena, segment, stack, parts);
        let mut record = Record { entry: &mut nothing, memory, dict, arena, more: &mut more };
        for (i, entry) in entries.iter_mut().enumerate() {
            side::at_record(entry.origin);
            if self.passed_by.takes(entry) {
                continue;
            }
            record.entry = entry;
            match apply(&mut record) {
                Ok(Outcome::Keep) => {}
                Ok(Outcome::Drop) => gone.push(i),
                Err(error) => {
                    record.more.truncate(emitted);
                    failures.push(Failure { origin: record.entry.origin, stage: self.stage as u32, error });
                    gone.push(i);
                }
            }
            if record.more.len() > emitted {
                emitted = record.more.len();
                splits.push((i + 1 - gone.len(), emitted));
            }
        }
        take_out(entries, &gone);
        if emitted > 0 {
            *entries = spread(entries, &more, &splits);
        }
    }
}

/// Takes out the entries of those indexes, which rise.
fn take_out(entries: &mut Vec<Entry>, gone: &[usize]) {
    if gone.is_empty() {
        return;
    }
    let (mut gone, mut at) = (gone.iter().peekable(), 0..);
    entries.retain(|_| at.next().is_some_and(|i| gone.next_if_eq(&&i).is_none()));
}

/// Puts emitted records behind the ones they came from: `splits` holds (place, end in `more`).
fn spread(entries: &[Entry], more: &[Entry], splits: &[(usize, usize)]) -> Vec<Entry> {
    let mut out = Vec::with_capacity(entries.len() + more.len());
    let (mut at, mut taken) = (0, 0);
    for &(place, end) in splits {
        out.extend_from_slice(&entries[at..place]);
        out.extend_from_slice(&more[taken..end]);
        (at, taken) = (place, end);
    }
    out.extend_from_slice(&entries[at..]);
    out
}

/// Converts in place: a converter changes one cell of a record and drops none.
fn convert_all(batch: &mut Batch, kind: StageKind, mut conversion: Conversion<'_>) {
    if kind == StageKind::HeaderConverter && batch.entries.iter().all(|entry| entry.header_count == 0) {
        return;
    }
    let stage = conversion.stage;
    let (segment, passed_by) = (batch.memory.current(), PassedBy::done(batch));
    let Batch { entries, memory, dict, arena, stack, failures, parts, assembles, .. } = batch;
    conversion.apart = !*assembles;
    let mut gone = Vec::new();
    for (i, entry) in entries.iter_mut().enumerate() {
        if passed_by.takes(entry) {
            continue;
        }
        side::at_record(entry.origin);
        let arena = Arena::new(arena, segment, stack, parts);
        let cell = match kind {
            StageKind::KeyConverter => &mut entry.key,
            _ => &mut entry.value,
        };
        let done = match kind {
            StageKind::HeaderConverter if entry.header_count == 0 => Ok(()),
            StageKind::HeaderConverter => conversion.convert_headers(entry, memory, dict, arena),
            _ if cell.is_apart() => conversion.convert_parts(cell, entry.topic, memory, (dict, arena)),
            _ => conversion.convert(cell, entry.topic, memory, (dict, arena)),
        };
        if let Err(error) = done {
            let of_batch = error.of_batch;
            failures.push(Failure { origin: entry.origin, stage: stage as u32, error });
            gone.push(i);
            if of_batch {
                break; // the others go with it
            }
        }
    }
    take_out(entries, &gone);
}

/// Gives the batch up when a failure is not one record's; true if it is.
fn fail_as_a_whole(batch: &mut Batch) -> bool {
    let Some(at) = batch.failures.iter().position(|f| f.error.of_batch) else { return false };
    let mut failure = batch.failures.swap_remove(at);
    failure.origin = NONE;
    batch.failures = vec![failure];
    batch.entries.clear();
    true
}

/// A converter at work.
struct Conversion<'c> {
    converter: &'c mut dyn Converter,
    from: bool,
    stage: usize,
    port: &'c mut dyn Ask,
    /// Whether what it makes may lie apart.
    apart: bool,
}

impl Conversion<'_> {
    #[inline]
    fn convert(
        &mut self,
        cell: &mut Cell,
        topic: u32,
        memory: &Memory,
        (dict, arena): (&mut Dictionaries, Arena<'_>),
    ) -> Result<()> {
        let reach = memory.reach(cell.off);
        let value = ValueRef::new(cell.tag(), reach.get(..cell.len as usize).unwrap_or(&[]));
        let (schema, stage, apart) = (cell.schema, self.stage, self.apart);
        let mut out = CellOut { dict, arena, cell, reach, apart, topic, port: &mut *self.port, stage };
        if self.from {
            self.converter.from_connect(value, schema, &mut out)
        } else {
            self.converter.to_connect(value, &mut out)
        }
    }

    /// Writes a value that lies apart.
    fn convert_parts(
        &mut self,
        cell: &mut Cell,
        topic: u32,
        memory: &Memory,
        (dict, arena): (&mut Dictionaries, Arena<'_>),
    ) -> Result<()> {
        let parts = std::mem::take(arena.parts);
        let fields = list(&parts, cell);
        let (tag, schema) = (cell.tag(), cell.schema);
        let (stage, apart) = (self.stage, self.apart);
        let mut out = CellOut { dict, arena, cell, reach: &[], apart, topic, port: &mut *self.port, stage };
        let done = match self.converter.parts_writer() {
            Some(writer) => writer.convert(fields, tag, memory, schema, &mut out),
            None => Err(Error::internal("a value that lies apart")),
        };
        *out.arena.parts = parts;
        done
    }

    fn convert_headers(
        &mut self,
        entry: &mut Entry,
        memory: &Memory,
        dict: &mut Dictionaries,
        mut arena: Arena<'_>,
    ) -> Result<()> {
        let block = memory.bytes(entry.headers_off, entry.headers_len);
        let (mut scratch, mut stack, mut parts) = (Vec::new(), Default::default(), Vec::new());
        let mut written = Vec::with_capacity(block.len() + 16);
        let mut count = 0;
        for header in Headers::new(block) {
            scratch.clear();
            let mut cell = Cell::new(0, header.value.payload.len() as u32, header.value.tag, header.schema);
            let untouched = cell.len;
            let arena = Arena::new(&mut scratch, 1, &mut stack, &mut parts);
            let (topic, stage, port) = (entry.topic, self.stage, &mut *self.port);
            let mut out = CellOut { dict, arena, cell: &mut cell, reach: &[], apart: false, topic, port, stage };
            if self.from {
                self.converter.from_connect(header.value, header.schema, &mut out)?;
            } else {
                self.converter.to_connect(header.value, &mut out)?;
            }
            let payload = match crate::memory::segment_of(cell.off) {
                0 => header.value.payload.get(cell.off as usize..(cell.off + cell.len.min(untouched)) as usize),
                _ => scratch.get(crate::memory::place_of(cell.off) as usize..).and_then(|p| p.get(..cell.len as usize)),
            };
            put_header(&mut written, header.key, cell.schema, ValueRef::new(cell.tag(), payload.unwrap_or(&[])));
            count += 1;
        }
        let block = arena.write(Tag::Raw, NONE, |out| {
            out.extend_from_slice(&written);
            Ok(())
        })?;
        (entry.header_count, entry.headers_off, entry.headers_len) = (count, block.off, block.len);
        Ok(())
    }
}

/// A record with an error has no entry: also those that an earlier stage made of the same one.
fn drop_failed(batch: &mut Batch) {
    if batch.failures.is_empty() {
        return;
    }
    batch.failures.sort_by_key(|f| f.origin);
    batch.failures.dedup_by_key(|f| f.origin);
    let failures = &batch.failures;
    batch.entries.retain(|e| failures.binary_search_by_key(&e.origin, |f| f.origin).is_err());
}

/// Leaves what came before the first record that failed, and its failure.
pub(crate) fn cut_behind_failure(batch: &mut Batch) {
    if let Some(first) = batch.failures.first().map(|f| f.origin) {
        batch.failures.truncate(1);
        batch.entries.retain(|e| e.origin < first);
    }
}

impl Batch {
    /// Gives record `i` of the batch up; it has no place in what follows.
    pub fn fail(&mut self, i: usize, error: Error) {
        if let Some(entry) = self.entries.get(i) {
            self.failures.push(Failure { origin: entry.origin, stage: u32::MAX, error });
        }
    }

    /// A value written by a source; see [`Arena::write`].
    #[inline]
    pub fn write(&mut self, tag: Tag, schema: u32, write: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<Cell> {
        let segment = self.memory.current();
        Arena::new(&mut self.arena, segment, &mut self.stack, &mut self.parts).write(tag, schema, write)
    }

    /// A value built by a source; see [`Arena::build`].
    pub fn build(
        &mut self,
        schema: u32,
        write: impl FnOnce(&mut crate::builder::Builder<'_>) -> Result<()>,
    ) -> Result<Cell> {
        let segment = self.memory.current();
        Arena::new(&mut self.arena, segment, &mut self.stack, &mut self.parts).build(schema, write)
    }
}
