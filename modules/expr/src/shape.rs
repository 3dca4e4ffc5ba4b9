//! What expressions must know of a schema: names of fields, and what a date stands for. Values of CEL are shared
//! between threads, schemas of the SDK are not; so this is a copy that may be.

use berth_guest::schema::TIME;
use berth_guest::{Schema, Type};

/// The shape of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// The value's tag says all.
    Plain,
    /// A date that is a time of day.
    Time,
    Array(Box<Shape>),
    /// Shape of the values; keys are plain.
    Map(Box<Shape>),
    Struct(Vec<(Box<str>, Shape)>),
}

/// The shape of what has no schema.
pub static PLAIN: Shape = Shape::Plain;

impl Shape {
    pub fn new(schema: &Schema) -> Shape {
        let child = |schema: &Option<std::rc::Rc<Schema>>| Box::new(schema.as_deref().map_or(Shape::Plain, Shape::new));
        match schema.kind {
            Type::Array => Shape::Array(child(&schema.element)),
            Type::Map => Shape::Map(child(&schema.element)),
            Type::Struct => {
                Shape::Struct(schema.fields.iter().map(|f| (f.name[..].into(), Self::new(&f.schema))).collect())
            }
            _ if schema.name() == Some(TIME) => Shape::Time,
            _ => Shape::Plain,
        }
    }

    /// Shape of the items of an array, of the values of a map.
    pub fn element(&self) -> &Shape {
        match self {
            Shape::Array(element) | Shape::Map(element) => element,
            _ => &PLAIN,
        }
    }

    /// Names and shapes of the fields of a struct.
    pub fn fields(&self) -> &[(Box<str>, Shape)] {
        match self {
            Shape::Struct(fields) => fields,
            _ => &[],
        }
    }

    /// Index and shape of a field.
    pub fn field(&self, name: &str) -> Option<(usize, &Shape)> {
        self.fields().iter().position(|(field, _)| **field == *name).map(|i| (i, &self.fields()[i].1))
    }
}
