//! Connect values as values of CEL. Arrays, maps and structs stay in the batch: a field is read when it is asked for.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use berth_guest::{Tag, ValueRef};
use cel::common::traits::{Adder, Container, Indexer, Iterable, Iterator, Sizer, Zeroer};
use cel::common::types::{
    CelBool, CelBytes, CelDouble, CelDuration, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelTimestamp,
    Kind, Type, LIST_TYPE, MAP_TYPE,
};
use cel::common::value::{CowVal, Val};
use cel::{ExecutionError, Value};

use crate::number;
use crate::shape::Shape;

type Boxed<'v> = Box<dyn Val + 'v>;

/// A value of CEL for one of Connect, without copying texts, bytes and containers.
pub fn to_val<'v>(value: ValueRef<'v>, shape: &'v Shape) -> Boxed<'v> {
    match value.tag {
        Tag::Null => Box::new(CelNull),
        Tag::Int8 | Tag::Int16 | Tag::Int32 | Tag::Int64 => Box::new(CelInt::from(value.int().unwrap_or(0))),
        Tag::Boolean => Box::new(CelBool::from(value.boolean() == Some(true))),
        Tag::Float32 => Box::new(CelDouble::from(f64::from(value.float32().unwrap_or(0.0)))),
        Tag::Float64 => Box::new(CelDouble::from(value.float64().unwrap_or(0.0))),
        Tag::String => Box::new(CelString::from(value.str().unwrap_or(""))),
        Tag::Object => match value.to_text() {
            Some(text) => Box::new(CelString::from(text.into_owned())),
            None => Box::new(CelString::from(value.object().map_or("", |(_, text)| text))),
        },
        Tag::Raw | Tag::Bytes => Box::new(CelBytes::from(value.payload)),
        Tag::Decimal => Box::new(CelDouble::from(number::to_double(value))),
        Tag::BigInt => match number::to_int(value) {
            Some(int) => Box::new(CelInt::from(int)),
            None => Box::new(CelDouble::from(number::to_double(value))),
        },
        Tag::Date if *shape == Shape::Time => Box::new(of_time(value.int().unwrap_or(0))),
        Tag::Date => of_instant(value.int().unwrap_or(0)),
        Tag::Array | Tag::Map | Tag::Struct => Box::new(Nested::new(value, shape)),
    }
}

/// Milliseconds since the epoch as a timestamp; an int if no calendar reaches it.
pub fn of_instant<'v>(ms: i64) -> Boxed<'v> {
    match chrono::DateTime::from_timestamp_millis(ms) {
        Some(instant) => Box::new(CelTimestamp::from(instant.fixed_offset())),
        None => Box::new(CelInt::from(ms)),
    }
}

fn of_time(ms: i64) -> CelDuration {
    CelDuration::from(chrono::Duration::try_milliseconds(ms).unwrap_or_default())
}

/// An array, map or struct where it lies.
pub struct Nested<'v> {
    value: ValueRef<'v>,
    shape: &'v Shape,
    /// What a loop goes over: made when one begins.
    items: OnceLock<Vec<Boxed<'v>>>,
}

impl<'v> Nested<'v> {
    fn new(value: ValueRef<'v>, shape: &'v Shape) -> Self {
        Nested { value, shape, items: OnceLock::new() }
    }

    /// Keys and values of a map or struct.
    fn entries(&self) -> impl std::iter::Iterator<Item = (ValueRef<'v>, ValueRef<'v>, &'v Shape)> + '_ {
        let names = self.shape.fields().iter();
        let fields = names.zip(self.value.items()).filter(|_| self.value.tag == Tag::Struct);
        let fields = fields.map(|((name, shape), v)| (ValueRef::new(Tag::String, name.as_bytes()), v, shape));
        let element = self.shape.element();
        fields.chain(self.value.entries().map(move |(key, value)| (key, value, element)))
    }

    fn elements(&self) -> impl std::iter::Iterator<Item = Boxed<'v>> + '_ {
        self.value.items().map(|item| to_val(item, self.shape.element()))
    }

    fn find(&self, name: &str) -> Option<Boxed<'v>> {
        step_into(self.value, self.shape, name).map(|(value, shape)| to_val(value, shape))
    }

    /// The same as a value of CEL's own, all the way down.
    fn solid<'w>(&self) -> Boxed<'w>
    where
        'v: 'w,
    {
        match self.value.tag {
            Tag::Array => {
                Box::new(CelList::from(self.elements().map(|v| v.clone_as_boxed()).collect::<Vec<Boxed<'w>>>()))
            }
            _ => {
                let mut map: HashMap<CelMapKey<'w>, Boxed<'w>> = HashMap::new();
                for (key, value, shape) in self.entries() {
                    if let Some(key) = to_key(key) {
                        map.insert(key, to_val(value, shape).clone_as_boxed());
                    }
                }
                Box::new(CelMap::from(map))
            }
        }
    }
}

/// A key of a map; `None` for what CEL knows no keys of.
fn to_key(key: ValueRef<'_>) -> Option<CelMapKey<'_>> {
    Some(match key.tag {
        Tag::String => CelMapKey::String(CelString::from(key.str()?)),
        Tag::Boolean => CelMapKey::Bool(CelBool::from(key.boolean()?)),
        Tag::Int8 | Tag::Int16 | Tag::Int32 | Tag::Int64 => CelMapKey::Int(CelInt::from(key.int()?)),
        _ => CelMapKey::String(CelString::from(key.to_text()?.into_owned())),
    })
}

/// The field of a map or struct.
pub fn step_into<'v>(value: ValueRef<'v>, shape: &'v Shape, name: &str) -> Option<(ValueRef<'v>, &'v Shape)> {
    match value.tag {
        Tag::Map => Some((value.get(name)?, shape.element())),
        Tag::Struct => {
            let (i, shape) = shape.field(name)?;
            Some((value.item(i)?, shape))
        }
        _ => None,
    }
}

impl fmt::Debug for Nested<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {} items", self.value.tag, self.value.len())
    }
}

impl<'v> Val for Nested<'v> {
    fn get_type(&self) -> &Type {
        match self.value.tag {
            Tag::Array => &LIST_TYPE,
            _ => &MAP_TYPE,
        }
    }

    fn cel_type() -> &'static Type {
        &MAP_TYPE
    }

    fn as_adder<'b, 'w>(&'b self) -> Option<&'b (dyn Adder + 'w)>
    where
        Self: 'w,
    {
        (self.value.tag == Tag::Array).then_some(self as _)
    }

    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }

    fn as_indexer<'b, 'w>(&'b self) -> Option<&'b (dyn Indexer + 'w)>
    where
        Self: 'w,
    {
        Some(self)
    }

    fn as_iterable<'b, 'w>(&'b self) -> Option<&'b (dyn Iterable + 'w)>
    where
        Self: 'w,
    {
        Some(self)
    }

    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }

    fn as_zeroer(&self) -> Option<&dyn Zeroer> {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        other.get_type().kind() == self.get_type().kind() && self.solid().equals(&*other.clone_as_boxed())
    }

    /// CEL compares, and stores, values of its own only with its own: so a copy is one of them.
    fn clone_as_boxed<'w>(&self) -> Boxed<'w>
    where
        Self: 'w,
    {
        self.solid()
    }
}

impl Adder for Nested<'_> {
    fn add<'b, 'w>(&'b self, other: &(dyn Val + 'w)) -> Result<CowVal<'b, 'w>, ExecutionError>
    where
        Self: 'w,
    {
        let list: Boxed<'w> = self.solid();
        let sum = list.as_adder().ok_or_else(|| mismatch(other, "list"))?.add(other)?.into_owned();
        Ok(CowVal::Owned(sum))
    }
}

impl Container for Nested<'_> {
    fn contains(&self, wanted: &dyn Val) -> Result<bool, ExecutionError> {
        if self.value.tag == Tag::Array {
            return Ok(self.elements().any(|element| element.equals(wanted)));
        }
        match wanted.downcast_ref::<CelString>() {
            Some(name) => Ok(step_into(self.value, self.shape, name.inner()).is_some()),
            None => self.solid().as_container().ok_or_else(|| mismatch(wanted, "map key"))?.contains(wanted),
        }
    }
}

impl Indexer for Nested<'_> {
    fn get<'b, 'w>(&'b self, index: &dyn Val) -> Result<CowVal<'b, 'w>, ExecutionError>
    where
        Self: 'w,
    {
        if let Some(name) = index.downcast_ref::<CelString>().filter(|_| self.value.tag != Tag::Array) {
            let missing = || ExecutionError::NoSuchKey(Arc::new(name.inner().to_string()));
            return self.find(name.inner()).map(|found| CowVal::Owned(found as Boxed<'w>)).ok_or_else(missing);
        }
        if let Some(int) = index.downcast_ref::<CelInt>().filter(|_| self.value.tag == Tag::Array) {
            let beyond = || ExecutionError::IndexOutOfBounds(Value::Int(*int.inner()));
            let at = usize::try_from(*int.inner()).map_err(|_| beyond())?;
            let item = self.value.item(at).ok_or_else(beyond)?;
            return Ok(CowVal::Owned(to_val(item, self.shape.element()) as Boxed<'w>));
        }
        let solid: Boxed<'w> = self.solid();
        let found = solid.as_indexer().ok_or_else(|| mismatch(index, "index"))?.get(index)?.into_owned();
        Ok(CowVal::Owned(found))
    }

    fn steal<'w>(self: Box<Self>, index: &dyn Val) -> Result<Boxed<'w>, ExecutionError>
    where
        Self: 'w,
    {
        Ok(self.get(index)?.into_owned())
    }
}

impl Iterable for Nested<'_> {
    fn iter<'b, 'w>(&'b self) -> Box<dyn Iterator<'b, 'w> + 'b>
    where
        Self: 'w,
    {
        let items = self.items.get_or_init(|| match self.value.tag {
            Tag::Array => self.elements().collect(),
            _ => self.entries().map(|(key, _, _)| to_val(key, &crate::shape::PLAIN)).collect(),
        });
        Box::new(Items(items.iter()))
    }
}

struct Items<'b, 'v>(std::slice::Iter<'b, Boxed<'v>>);

impl<'b, 'w, 'v: 'w> Iterator<'b, 'w> for Items<'b, 'v> {
    fn next(&mut self) -> Option<&'b (dyn Val + 'w)> {
        self.0.next().map(|item| &**item as _)
    }
}

impl Sizer for Nested<'_> {
    fn size(&self) -> CelInt {
        (self.value.len() as i64).into()
    }
}

impl Zeroer for Nested<'_> {
    fn is_zero_value(&self) -> bool {
        self.value.is_empty()
    }
}

fn mismatch(got: &dyn Val, want: &str) -> ExecutionError {
    ExecutionError::UnexpectedType { got: got.get_type().name().to_string(), want: want.to_string() }
}

/// Whether a value of CEL is null, or an optional without a value.
pub fn is_null(value: &dyn Val) -> bool {
    match value.get_type().kind() {
        Kind::NullType => true,
        Kind::Opaque => value.downcast_ref::<cel::common::types::CelOptional>().is_some_and(|o| o.option().is_none()),
        _ => false,
    }
}
