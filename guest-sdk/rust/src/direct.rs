//! Records that go straight from the input to what the converters write, along a [`Sketch`] of the chain for their
//! schema: each is read once, checked meanwhile, and written once, without the stages between. A record of which the
//! sketch does not tell all (a null that is replaced, a header, a value that a stage refuses) is given back to the stages
//! as it came, so what a chain does, errors among them, is what the stages do.

use std::collections::HashMap;
use std::rc::Rc;

use crate::batch::Batch;
use crate::dictionary::Dictionaries;
use crate::entry::{Cell, Entry};
use crate::error::Result;
use crate::memory::{address, fits, Memory};
use crate::plan::StageKind;
use crate::schema::{Schema, Type};
use crate::side::{self, Phase};
use crate::sketch::{CellSketch, FieldSketch, Sketch, SketchFields, SketchWriter, Slot};
use crate::stage::{Stage, Work};
use crate::value::{Tag, ValueRef, NONE};

/// Schemas that are remembered across batches, each with its way or as one without; then all are forgotten.
const KNOWN_MAX: usize = 256;
/// Fields that a record may have on a way, those of structs in it among them.
const LEAVES_MAX: usize = 1_000;
/// Records of one batch that make a way worth it: to make one takes as long as passing some records through the stages.
const WORTH_RECORDS: usize = 8;
/// After so many records of a batch a way rests until the next one, if most of them were given back.
const TRIED_RECORDS: u32 = 64;

/// The ways of a task's chain, one for each schema.
#[derive(Default)]
pub(crate) struct Direct {
    /// The stages are of kinds that may be sketched.
    possible: bool,
    ways: Vec<Way>,
    /// Indexes of ways by the bytes of the schema; `None`: there is none.
    by_schema: HashMap<Rc<[u8]>, Option<usize>>,
    /// The same by the schemas of the batch at hand; the outer `None`: not known yet.
    known: Vec<Option<Option<usize>>>,
    scratch: Vec<u8>,
}

impl Direct {
    pub fn new(stages: &[Stage]) -> Direct {
        let is_plain = |stage: &Stage| match &stage.work {
            Work::Source(_) | Work::Sink(_) => true,
            Work::Transform(_) => !stage.guarded,
            Work::Converter(..) => stage.from,
            Work::Predicate(_) => false,
        };
        let writes = |stage: &Stage| matches!(stage.work, Work::Converter(_, StageKind::ValueConverter));
        Direct { possible: stages.iter().all(is_plain) && stages.iter().any(writes), ..Direct::default() }
    }

    /// Whether it may check values, so that nobody needs to before.
    pub fn is_possible(&self) -> bool {
        self.possible
    }

    /// Writes the records that have a way, and marks them as done.
    pub fn pass(&mut self, stages: &mut [Stage], batch: &mut Batch) {
        if !self.possible {
            return;
        }
        batch.begin_stage();
        side::at(Phase::Apply, stages.iter().position(|stage| !matches!(stage.work, Work::Source(_))).unwrap_or(0));
        self.begin(batch);
        let segment = batch.memory.current();
        let Batch { entries, memory, dict, arena, done, .. } = batch;
        let (mut leaves, mut counts) = (Vec::new(), HashMap::new());
        for i in 0..entries.len() {
            entries[i].set_done(false);
            let schema = entries[i].value.schema;
            let way = match self.known.get(schema as usize) {
                Some(Some(way)) => *way,
                Some(None) if is_worth(schema, entries, &mut counts) => self.settle(schema, stages, dict),
                _ => None,
            };
            let Some(way) = way.and_then(|way| self.ways.get_mut(way)).filter(|way| !way.rests()) else { continue };
            side::at_record(entries[i].origin);
            let start = arena.len();
            way.tried += 1;
            let mut to = Target { arena, segment, scratch: &mut self.scratch };
            match way.write(&entries[i], memory, dict, &mut leaves, &mut to) {
                Some((key, value)) => {
                    (entries[i].key, entries[i].value) = (key, value);
                    entries[i].set_done(true);
                    *done += 1;
                }
                None => {
                    arena.truncate(start);
                    way.missed += 1;
                }
            }
        }
    }

    /// Looks up what is known of the schemas of a batch.
    fn begin(&mut self, batch: &Batch) {
        if self.by_schema.len() >= KNOWN_MAX {
            self.by_schema.clear();
            self.ways.clear();
        }
        self.known.clear();
        self.known.extend(batch.dict.schemas.items().iter().map(|schema| self.by_schema.get(schema).copied()));
        for way in &mut self.ways {
            (way.tried, way.missed) = (0, 0);
        }
    }

    /// Makes the way of a schema, if there is one and it can be remembered.
    #[cold]
    fn settle(&mut self, schema: u32, stages: &mut [Stage], dict: &mut Dictionaries) -> Option<usize> {
        self.known[schema as usize] = Some(None);
        let bytes = dict.schemas.get(schema).filter(|_| self.by_schema.len() < KNOWN_MAX)?.clone();
        // A stage that fails here fails at each record, too, and says so there.
        let way = Way::make(schema, stages, dict).ok().flatten().map(|way| {
            self.ways.push(way);
            self.ways.len() - 1
        });
        self.known[schema as usize] = Some(way);
        self.by_schema.insert(bytes, way);
        way
    }
}

/// Whether a schema has enough records in a batch; `counts` are made by the first who asks.
fn is_worth(schema: u32, entries: &[Entry], counts: &mut HashMap<u32, usize>) -> bool {
    if counts.is_empty() {
        entries.iter().for_each(|entry| *counts.entry(entry.value.schema).or_default() += 1);
    }
    counts.get(&schema).is_some_and(|count| *count >= WORTH_RECORDS)
}

/// How the bytes of records with one schema come to be.
struct Way {
    reads: Vec<Read>,
    /// `None`: keys are null, and stay so.
    key: Option<Half>,
    value: Half,
    /// Records of this batch, and those of them that were given back.
    tried: u32,
    missed: u32,
}

/// A field of a struct.
enum Read {
    /// Is the next leaf.
    Leaf,
    /// The same; a text is checked when it is written.
    Text,
    /// Is read by its own fields.
    Struct(Vec<Read>),
}

/// A key or value.
struct Half {
    slots: Vec<Slot>,
    writer: Rc<dyn SketchWriter>,
}

/// Where bytes go.
struct Target<'t> {
    arena: &'t mut Vec<u8>,
    segment: usize,
    /// Room for a computed field.
    scratch: &'t mut Vec<u8>,
}

impl Way {
    fn make(schema: u32, stages: &mut [Stage], dict: &mut Dictionaries) -> Result<Option<Way>> {
        let Some(of) = dict.schema(schema)?.filter(|of| of.kind == Type::Struct) else { return Ok(None) };
        let fields = (0..of.fields.len()).map(FieldSketch::of_record).collect();
        let mut sketch = Sketch { key: CellSketch::Untouched, value: CellSketch::Struct { schema, fields } };
        let (mut key, mut value, mut keeps_null) = (None, None, false);
        for stage in stages {
            match &mut stage.work {
                Work::Source(_) | Work::Sink(_) | Work::Converter(_, StageKind::HeaderConverter) => {}
                Work::Transform(transform) if key.is_none() && value.is_none() && !keeps_null => {
                    if !transform.sketch(&mut sketch, dict)? {
                        return Ok(None);
                    }
                }
                Work::Converter(converter, StageKind::KeyConverter) => match sketch.key {
                    CellSketch::Untouched if converter.keeps_null() => keeps_null = true,
                    _ => key = converter.sketch_writer(&sketch.key, dict)?,
                },
                Work::Converter(converter, _) => value = converter.sketch_writer(&sketch.value, dict)?,
                Work::Transform(_) | Work::Predicate(_) => return Ok(None),
            }
        }
        let (Some(value), true) = (value, keeps_null || key.is_some()) else { return Ok(None) };
        let paths =
            sketch.key.fields().iter().chain(sketch.value.fields()).map(|field| &field.path[..]).collect::<Vec<_>>();
        let mut leaves = Vec::new();
        let Some(mut reads) = reads(&of, &[], &paths, &mut leaves) else { return Ok(None) };
        let half = |cell: &CellSketch, writer| {
            let slot = |field: &FieldSketch| {
                let leaf = leaves.iter().position(|leaf| *leaf == field.path)?;
                Some(Slot { leaf, passes_null: field.passes_null, compute: field.compute.clone() })
            };
            let slots = cell.fields().iter().map(slot).collect::<Option<Vec<_>>>()?;
            Some(Half { slots, writer })
        };
        let key = key.map(|writer| half(&sketch.key, writer));
        Ok(match (key, half(&sketch.value, value)) {
            (Some(None), _) | (_, None) => None,
            (key, Some(value)) => {
                let key = key.flatten();
                let mut is_checked = vec![None; leaves.len()];
                key.iter().chain([&value]).for_each(|half| half.checked_texts(&mut is_checked));
                leave_texts(&mut reads, &mut is_checked.iter().map(|is_checked| *is_checked == Some(true)));
                Some(Way { reads, key, value, tried: 0, missed: 0 })
            }
        })
    }

    /// Whether it is not worth trying for the rest of the batch.
    fn rests(&self) -> bool {
        self.tried >= TRIED_RECORDS && self.missed > self.tried / 2
    }

    /// Writes key and value; `None`: the record is for the stages.
    fn write<'m>(
        &mut self,
        entry: &Entry,
        memory: &'m Memory,
        dict: &mut Dictionaries,
        leaves: &mut Vec<ValueRef<'m>>,
        to: &mut Target<'_>,
    ) -> Option<(Cell, Cell)> {
        let cell = &entry.value;
        let keeps_key = entry.key.is_null() && entry.key.schema == NONE;
        if cell.tag != Tag::Struct as u8
            || cell.is_apart()
            || entry.header_count > 0
            || !(keeps_key || self.key.is_some())
        {
            return None;
        }
        leaves.clear();
        if !read(&self.reads, memory.bytes(cell.off, cell.len), 0, leaves) {
            return None;
        }
        let key = match &self.key {
            Some(key) => key.write(leaves, dict, to)?,
            None => entry.key,
        };
        Some((key, self.value.write(leaves, dict, to)?))
    }
}

impl Half {
    /// Notes of each leaf that is written whether a text in it is checked then, wherever it is written.
    fn checked_texts(&self, is_checked: &mut [Option<bool>]) {
        for (i, slot) in self.slots.iter().enumerate() {
            let checks = slot.compute.is_none() && self.writer.checks_text(i);
            is_checked[slot.leaf] = Some(checks && is_checked[slot.leaf] != Some(false));
        }
    }

    #[inline]
    fn write(&self, leaves: &[ValueRef<'_>], dict: &mut Dictionaries, to: &mut Target<'_>) -> Option<Cell> {
        let start = to.arena.len();
        let mut fields = SketchFields { slots: &self.slots, leaves, scratch: to.scratch, differs: false };
        let done = self.writer.write(&mut fields, dict, to.arena).is_ok() && !fields.differs && fits(to.arena.len());
        let cell = Cell::new(address(to.segment, start), (to.arena.len() - start) as u32, Tag::Raw, NONE);
        done.then_some(cell)
    }
}

/// How structs of a schema are read: those on the way of a path by their fields. `leaves` gets the paths of all others.
/// `None` if there are too many, or a path leads to a struct through which another one leads.
fn reads(schema: &Schema, at: &[usize], paths: &[&[usize]], leaves: &mut Vec<Vec<usize>>) -> Option<Vec<Read>> {
    let read = |i: usize| {
        let here = [at, &[i]].concat();
        if !paths.iter().any(|path| path.len() > here.len() && path.starts_with(&here)) {
            leaves.push(here);
            return (leaves.len() <= LEAVES_MAX).then_some(Read::Leaf);
        }
        let is_struct = schema.fields[i].schema.kind == Type::Struct;
        let fields = reads(&schema.fields[i].schema, &here, paths, leaves);
        fields.filter(|_| is_struct && !paths.contains(&&here[..])).map(Read::Struct)
    };
    (0..schema.fields.len()).map(read).collect()
}

/// Leaves the check of texts to who writes them; `is_checked` says of each leaf whether that is so.
fn leave_texts(reads: &mut [Read], is_checked: &mut dyn Iterator<Item = bool>) {
    for read in reads {
        match read {
            Read::Struct(fields) => leave_texts(fields, is_checked),
            Read::Leaf | Read::Text if is_checked.next() == Some(true) => *read = Read::Text,
            Read::Leaf | Read::Text => {}
        }
    }
}

/// Appends the leaves of a struct and says whether it is as expected, and sound down to the last item, as
/// [`ValueRef::check`] says.
fn read<'v>(reads: &[Read], payload: &'v [u8], depth: usize, leaves: &mut Vec<ValueRef<'v>>) -> bool {
    let Some((body, table)) = ValueRef::struct_of(payload, reads.len()) else { return false };
    let mut start = 0;
    for (read, end) in reads.iter().zip(table) {
        let end = u32::from_le_bytes(*end) as usize;
        let Some(item) = body.get(start..end).and_then(ValueRef::of_item) else { return false };
        let sound = match read {
            Read::Text if item.tag == Tag::String => {
                leaves.push(item);
                true
            }
            Read::Leaf | Read::Text => {
                leaves.push(item);
                item.check_item(depth + 1)
            }
            Read::Struct(fields) => item.tag == Tag::Struct && self::read(fields, item.payload, depth + 1, leaves),
        };
        if !sound {
            return false;
        }
        start = end;
    }
    start == body.len()
}
