//! Dictionaries of a batch: topics, schemas and source partitions, each named by its index.

use std::collections::HashMap;
use std::rc::Rc;

use crate::error::{Error, Result};
use crate::limits;
use crate::schema::Schema;
use crate::value::NONE;

/// A list of distinct byte strings. Items that the host gave come first and keep their numbers.
#[derive(Debug, Default)]
pub struct Dictionary {
    items: Vec<Rc<[u8]>>,
    index: HashMap<Rc<[u8]>, u32>,
    last: u32,
}

impl Dictionary {
    pub(crate) fn clear(&mut self) {
        self.items.clear();
        self.index.clear();
        self.last = 0;
    }

    /// Appends an item of the input, also if it is there already.
    pub(crate) fn push(&mut self, item: &[u8]) {
        let item: Rc<[u8]> = item.into();
        self.index.entry(item.clone()).or_insert(self.items.len() as u32);
        self.items.push(item);
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub fn get(&self, i: u32) -> Option<&Rc<[u8]>> {
        self.items.get(i as usize)
    }

    /// Index of an item, which is added if it is new.
    #[inline]
    pub fn intern(&mut self, item: &[u8]) -> Result<u32> {
        if self.items.get(self.last as usize).is_some_and(|last| **last == *item) {
            return Ok(self.last);
        }
        self.intern_slow(item)
    }

    fn intern_slow(&mut self, item: &[u8]) -> Result<u32> {
        if let Some(&i) = self.index.get(item) {
            self.last = i;
            return Ok(i);
        }
        if self.items.len() >= limits::DICTIONARY_ITEMS {
            let limit = limits::DICTIONARY_ITEMS;
            return Err(Error::connect(format!("more than {limit} topics, schemas or source partitions in one batch")));
        }
        self.last = self.items.len() as u32;
        self.push(item);
        Ok(self.last)
    }

    pub(crate) fn items(&self) -> &[Rc<[u8]>] {
        &self.items
    }
}

/// The three dictionaries of a batch, with parsed schemas.
#[derive(Debug, Default)]
pub struct Dictionaries {
    pub(crate) topics: Dictionary,
    pub(crate) schemas: Dictionary,
    pub(crate) partitions: Dictionary,
    parsed: Vec<Option<Rc<Schema>>>,
    known: HashMap<Rc<[u8]>, Rc<Schema>>,
    generation: u64,
    /// Lists of names that got a number in this batch.
    layouts: u16,
}

/// Parsed schemas kept across batches; a producer of ever new schemas starts the cache anew at this number.
const KNOWN_SCHEMAS: usize = 4_096;

impl Dictionaries {
    pub(crate) fn clear(&mut self) {
        self.topics.clear();
        self.schemas.clear();
        self.partitions.clear();
        self.parsed.clear();
        self.generation += 1;
        self.layouts = 0;
    }

    /// A number for the names of maps, of this batch; 0 once there are no more.
    pub(crate) fn number_layout(&mut self) -> u16 {
        self.layouts = self.layouts.saturating_add(1);
        if self.layouts < u16::MAX {
            self.layouts
        } else {
            0
        }
    }

    /// Changes with each batch: indexes are valid only while it stays the same.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Name of a topic.
    pub fn topic(&self, i: u32) -> &str {
        self.topics.get(i).and_then(|t| std::str::from_utf8(t).ok()).unwrap_or("")
    }

    pub fn intern_topic(&mut self, name: &str) -> Result<u32> {
        self.topics.intern(name.as_bytes())
    }

    /// `payload` is that of a MAP.
    pub fn intern_partition(&mut self, payload: &[u8]) -> Result<u32> {
        self.partitions.intern(payload)
    }

    pub fn partition(&self, i: u32) -> Option<&[u8]> {
        self.partitions.get(i).map(|p| &**p)
    }

    /// The schema with that index; `None` for `NONE`. Parsed once per distinct schema.
    pub fn schema(&mut self, i: u32) -> Result<Option<Rc<Schema>>> {
        if i == NONE {
            return Ok(None);
        }
        if let Some(Some(schema)) = self.parsed.get(i as usize) {
            return Ok(Some(schema.clone()));
        }
        let bytes =
            self.schemas.get(i).cloned().ok_or_else(|| Error::internal(format!("no schema {i} in the batch")))?;
        let schema = match self.known.get(&bytes) {
            Some(schema) => schema.clone(),
            None => {
                let schema = Rc::new(Schema::decode(&bytes)?);
                if self.known.len() >= KNOWN_SCHEMAS {
                    self.known.clear();
                }
                self.known.insert(bytes, schema.clone());
                schema
            }
        };
        self.parsed.resize(self.schemas.len(), None);
        self.parsed[i as usize] = Some(schema.clone());
        Ok(Some(schema))
    }

    /// Index of a schema given as its bytes; cheap if it is the one asked for last.
    #[inline]
    pub fn intern_schema_bytes(&mut self, schema: &[u8]) -> Result<u32> {
        self.schemas.intern(schema)
    }

    pub fn intern_schema(&mut self, schema: &Schema) -> Result<u32> {
        self.schemas.intern(&schema.to_bytes())
    }
}

/// What a stage derived from each schema of the batch, so that it works once per schema and batch, not per record.
#[derive(Debug)]
pub struct PerSchema<T> {
    generation: u64,
    made: Vec<Option<T>>,
}

impl<T> Default for PerSchema<T> {
    fn default() -> Self {
        PerSchema { generation: 0, made: Vec::new() }
    }
}

impl<T: Clone> PerSchema<T> {
    /// What `make` gave for schema `i` of this batch.
    pub fn get(
        &mut self,
        dict: &mut Dictionaries,
        i: u32,
        make: impl FnOnce(&mut Dictionaries, Rc<Schema>) -> Result<T>,
    ) -> Result<T> {
        if self.generation != dict.generation() {
            self.made.clear();
            self.generation = dict.generation();
        }
        if let Some(Some(made)) = self.made.get(i as usize) {
            return Ok(made.clone());
        }
        let schema = dict.schema(i)?.ok_or_else(|| Error::internal("a schema was asked for that is not there"))?;
        let made = make(dict, schema)?;
        if self.made.len() <= i as usize {
            self.made.resize(i as usize + 1, None);
        }
        self.made[i as usize] = Some(made.clone());
        Ok(made)
    }
}

/// What a stage derived from each topic of the batch.
#[derive(Debug)]
pub struct PerTopic<T> {
    generation: u64,
    made: Vec<Option<T>>,
}

impl<T> Default for PerTopic<T> {
    fn default() -> Self {
        PerTopic { generation: 0, made: Vec::new() }
    }
}

impl<T: Copy> PerTopic<T> {
    /// What was set for topic `i` of this batch.
    #[inline]
    pub fn get(&self, dict: &Dictionaries, i: u32) -> Option<T> {
        match self.made.get(i as usize) {
            Some(made) if self.generation == dict.generation => *made,
            _ => None,
        }
    }

    pub fn set(&mut self, dict: &Dictionaries, i: u32, made: T) {
        if self.generation != dict.generation {
            self.made.clear();
            self.generation = dict.generation;
        }
        if self.made.len() <= i as usize {
            self.made.resize(i as usize + 1, None);
        }
        self.made[i as usize] = Some(made);
    }
}

/// A schema that does not depend on records; it is looked up once per batch.
#[derive(Debug)]
pub struct FixedSchema {
    bytes: Box<[u8]>,
    /// Generation and index.
    known: Option<(u64, u32)>,
}

impl FixedSchema {
    pub fn new(bytes: &[u8]) -> FixedSchema {
        FixedSchema { bytes: bytes.into(), known: None }
    }

    /// Index in the batch.
    #[inline]
    pub fn index(&mut self, dict: &mut Dictionaries) -> Result<u32> {
        match self.known {
            Some((generation, index)) if generation == dict.generation => Ok(index),
            _ => {
                let index = dict.intern_schema_bytes(&self.bytes)?;
                self.known = Some((dict.generation, index));
                Ok(index)
            }
        }
    }
}
