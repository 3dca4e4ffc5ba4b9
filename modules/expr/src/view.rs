//! One record as expressions see it.

use std::collections::HashMap;

use berth_guest::{Entry, Headers, Memory, Tag, ValueRef, NO_TIMESTAMP};
use cel::common::types::{CelBool, CelInt, CelMap, CelMapKey, CelNull, CelString};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;

use crate::nested::{of_instant, step_into, to_val};
use crate::number;
use crate::path::{slot_of, Path, Read, Root, Step};
use crate::shape::{Shape, PLAIN};

static NULL: CelNull = CelNull;

/// What is read of a record; it does not change while expressions are evaluated.
pub struct View<'r> {
    pub entry: Entry,
    pub memory: &'r Memory,
    pub topic: &'r str,
    pub key: &'r Shape,
    pub value: &'r Shape,
    pub paths: &'r [Path],
}

/// Where a path ends.
pub enum Found<'r> {
    Value(ValueRef<'r>, &'r Shape),
    /// Not a value of Connect: topic, partition, offset, timestamp, all headers.
    Metadata,
}

/// Why a path leads nowhere: the number of the step that can't be taken, and the value that it starts from.
pub struct Missing<'r> {
    pub step: usize,
    pub from: Option<(ValueRef<'r>, &'r Shape)>,
}

impl<'r> View<'r> {
    /// The value at the end of a path.
    #[inline]
    pub fn find(&self, path: &Path) -> Result<Found<'r>, Missing<'r>> {
        let ((mut value, mut shape), taken) = match path.root {
            Root::Key => (self.cell(&self.entry.key, self.key), 0),
            Root::Value => (self.cell(&self.entry.value, self.value), 0),
            Root::Headers if !path.steps.is_empty() => (self.header(path).ok_or(Missing { step: 0, from: None })?, 1),
            _ => return Ok(Found::Metadata),
        };
        for (i, step) in path.steps.iter().enumerate().skip(taken) {
            (value, shape) = take(value, shape, step).ok_or(Missing { step: i, from: Some((value, shape)) })?;
        }
        Ok(Found::Value(value, shape))
    }

    fn cell(&self, cell: &berth_guest::Cell, shape: &'r Shape) -> (ValueRef<'r>, &'r Shape) {
        (ValueRef::new(cell.tag(), self.memory.bytes(cell.off, cell.len)), shape)
    }

    /// Headers in order.
    pub fn headers(&self) -> Headers<'r> {
        Headers::new(self.memory.bytes(self.entry.headers_off, self.entry.headers_len))
    }

    /// The last header of the name.
    fn header(&self, path: &Path) -> Option<(ValueRef<'r>, &'r Shape)> {
        let Some(Step::Name(name)) = path.steps.first() else { return None };
        let header = self.headers().filter(|header| header.key == name).last()?;
        Some((header.value, &PLAIN))
    }

    fn metadata(&self, root: Root) -> CowVal<'r, 'r> {
        let int = |n: i64| CowVal::owned(CelInt::from(n));
        match root {
            Root::Topic => CowVal::owned(CelString::from(self.topic)),
            Root::Partition if self.entry.partition >= 0 => int(self.entry.partition.into()),
            Root::Offset if self.entry.offset >= 0 => int(self.entry.offset),
            Root::Timestamp if self.entry.timestamp != NO_TIMESTAMP => CowVal::Owned(of_instant(self.entry.timestamp)),
            Root::Headers => CowVal::owned(self.header_map()),
            _ => CowVal::Borrowed(&NULL),
        }
    }

    /// Of headers with one name the last one counts.
    fn header_map(&self) -> CelMap<'r> {
        let mut map: HashMap<CelMapKey<'r>, Box<dyn Val + 'r>> = HashMap::new();
        for header in self.headers() {
            map.insert(CelMapKey::String(CelString::from(header.key)), to_val(header.value, &PLAIN).clone_as_boxed());
        }
        CelMap::from(map)
    }

    /// What `has` says of a path.
    pub fn is_present(&self, path: &Path) -> bool {
        match self.find(path) {
            // A field of a struct is always there; what matters is whether it has a value.
            Ok(Found::Value(value, _)) => !value.is_null() || !self.ends_in_struct(path),
            Ok(Found::Metadata) => true,
            Err(_) => false,
        }
    }

    fn ends_in_struct(&self, path: &Path) -> bool {
        let parent = path.steps.len().checked_sub(1).map(|n| self.find(&path.up_to(n)));
        matches!(parent, Some(Ok(Found::Value(value, _))) if value.tag == Tag::Struct)
    }
}

fn take<'r>(value: ValueRef<'r>, shape: &'r Shape, step: &Step) -> Option<(ValueRef<'r>, &'r Shape)> {
    match step {
        Step::Name(name) => step_into(value, shape, name),
        Step::At(at) if value.tag == Tag::Array => Some((value.item(*at as usize)?, shape.element())),
        Step::At(at) => {
            let wanted = Some(i64::from(*at));
            let number = |key: &ValueRef<'_>| key.tag != Tag::Boolean && key.int() == wanted;
            value.entries().find(|(key, _)| number(key)).map(|(_, value)| (value, shape.element()))
        }
    }
}

impl VariableResolver for View<'_> {
    #[inline]
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        let path = self.paths.get(slot_of(name)?)?;
        if path.read == Read::Presence {
            return Some(CowVal::owned(CelBool::from(self.is_present(path))));
        }
        match self.find(path) {
            Ok(Found::Value(value, _)) if path.read == Read::Exact && is_long(value) => {
                Some(CowVal::owned(CelString::from(number::to_text(value))))
            }
            Ok(Found::Value(value, shape)) => Some(CowVal::Owned(to_val(value, shape))),
            Ok(Found::Metadata) => Some(self.metadata(path.root)),
            Err(_) if path.read == Read::OrNull => Some(CowVal::Borrowed(&NULL)),
            Err(_) => None,
        }
    }
}

fn is_long(value: ValueRef<'_>) -> bool {
    matches!(value.tag, Tag::Decimal | Tag::BigInt)
}
