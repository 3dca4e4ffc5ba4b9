//! What a chain makes of the structs of one schema, said once where it would be done to each record. Each stage does to a
//! sketch what it does to records ([`crate::Transform::sketch`]); converters then write what the sketch shows straight
//! from the input ([`crate::Converter::sketch_writer`]). `direct.rs` runs that.

use std::fmt;
use std::rc::Rc;

use crate::dictionary::Dictionaries;
use crate::error::Result;
use crate::value::{Tag, ValueRef};

/// Appends the payload of what a stage makes of a value that is not null, and gives its tag. `None`: nothing that a sketch
/// can show; the record passes the stages themselves.
pub type Compute = Rc<dyn Fn(ValueRef<'_>, &mut Vec<u8>) -> Option<Tag>>;

/// Where a field comes from.
#[derive(Clone)]
pub struct FieldSketch {
    /// Indexes of fields on the way, from the value of the record.
    pub(crate) path: Vec<usize>,
    /// To no stage null means anything but null.
    pub(crate) passes_null: bool,
    pub(crate) compute: Option<Compute>,
}

impl fmt::Debug for FieldSketch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}{}", self.path, if self.compute.is_some() { " computed" } else { "" })
    }
}

impl FieldSketch {
    pub(crate) fn of_record(i: usize) -> FieldSketch {
        FieldSketch { path: vec![i], passes_null: true, compute: None }
    }

    /// Field `i` of this one, a struct; `None` if it is no field of the input.
    pub fn within(&self, i: usize) -> Option<FieldSketch> {
        let mut path = self.path.clone();
        path.push(i);
        self.compute.is_none().then_some(FieldSketch { path, passes_null: self.passes_null, compute: None })
    }

    /// Whether a stage may leave it out: no stage before has looked at it, so none can have refused it.
    pub fn is_free(&self) -> bool {
        self.passes_null && self.compute.is_none()
    }

    /// Says that null is replaced or refused: records with it pass the stages.
    pub fn mind_null(&mut self) {
        self.passes_null = false;
    }

    /// Has the field computed; false if it is already.
    #[must_use]
    pub fn compute(&mut self, compute: Compute) -> bool {
        self.compute.replace(compute).is_none()
    }
}

/// A key or value; schemas are indexes in the batch.
#[derive(Clone, Debug)]
pub enum CellSketch {
    /// What the record came with.
    Untouched,
    Struct {
        schema: u32,
        fields: Vec<FieldSketch>,
    },
    /// One field alone.
    Field {
        schema: u32,
        field: FieldSketch,
    },
}

impl CellSketch {
    /// Its fields.
    pub fn fields(&self) -> &[FieldSketch] {
        match self {
            CellSketch::Untouched => &[],
            CellSketch::Struct { fields, .. } => fields,
            CellSketch::Field { field, .. } => std::slice::from_ref(field),
        }
    }
}

/// What becomes of a record.
#[derive(Clone, Debug)]
pub struct Sketch {
    pub key: CellSketch,
    pub value: CellSketch,
}

/// A field of a sketch, with the place of its source among what was read of the record.
pub(crate) struct Slot {
    pub leaf: usize,
    pub passes_null: bool,
    pub compute: Option<Compute>,
}

/// The fields of a sketched key or value, of one record.
pub struct SketchFields<'a> {
    pub(crate) slots: &'a [Slot],
    pub(crate) leaves: &'a [ValueRef<'a>],
    pub(crate) scratch: &'a mut Vec<u8>,
    /// A field is not what the sketch shows.
    pub(crate) differs: bool,
}

impl fmt::Debug for SketchFields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.leaves)
    }
}

impl SketchFields<'_> {
    /// Field `i` of the sketch. `None`: the record is given back to the stages, whatever is written.
    #[inline(always)]
    pub fn get(&mut self, i: usize) -> Option<ValueRef<'_>> {
        let (slot, leaf) = match self.slots.get(i).map(|slot| (slot, self.leaves.get(slot.leaf))) {
            Some((slot, Some(leaf))) => (slot, leaf),
            _ => {
                self.differs = true;
                return None;
            }
        };
        if slot.compute.is_none() && (slot.passes_null || !leaf.is_null()) {
            return Some(ValueRef::new(leaf.tag, leaf.payload));
        }
        let tag = compute(slot, leaf, self.scratch);
        self.differs |= tag.is_none();
        Some(ValueRef::new(tag?, self.scratch))
    }
}

/// What a field becomes; null has no bytes.
#[inline(never)]
fn compute(slot: &Slot, value: &ValueRef<'_>, scratch: &mut Vec<u8>) -> Option<Tag> {
    scratch.clear();
    match &slot.compute {
        _ if value.is_null() => slot.passes_null.then_some(Tag::Null),
        Some(compute) => compute(*value, scratch),
        None => None,
    }
}

/// Writes a sketched key or value as bytes.
pub trait SketchWriter {
    /// Whether a text in field `i` is refused here, as an error, if it is not UTF-8: then it need not be checked before.
    fn checks_text(&self, _i: usize) -> bool {
        false
    }

    /// Appends the bytes of one record. After an error the record passes the stages.
    fn write(&self, fields: &mut SketchFields<'_>, dict: &mut Dictionaries, out: &mut Vec<u8>) -> Result<()>;
}
