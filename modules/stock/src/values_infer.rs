//! Connect's `Values.inferSchema`: the schema that a value suggests.

use std::rc::Rc;

use berth_guest::{Dictionaries, Error, Result, Schema, Tag, Type, ValueRef};

/// `inferSchema`; `None` = the value suggests none. `declared` is the schema around structs that have none of their
/// own.
pub fn infer(
    value: ValueRef<'_>,
    declared: Option<&Rc<Schema>>,
    dict: &mut Dictionaries,
) -> Result<Option<Rc<Schema>>> {
    Ok(Some(match value.tag {
        Tag::Array => {
            let element = declared.and_then(|s| s.element.as_ref());
            let mut items = Detector::default();
            if value.is_empty() || !value.items().all(|item| items.accepts(item, element, dict)) {
                return Ok(None);
            }
            Rc::new(Schema { element: Some(items.schema()?), ..Schema::new(Type::Array) })
        }
        Tag::Map => {
            let (key, element) = declared.map_or((None, None), |s| (s.key.as_ref(), s.element.as_ref()));
            let (mut keys, mut values) = (Detector::default(), Detector::default());
            let mut fits = |(k, v)| keys.accepts(k, key, dict) && values.accepts(v, element, dict);
            if value.is_empty() || !value.entries().all(&mut fits) {
                return Ok(None);
            }
            Rc::new(Schema { key: Some(keys.schema()?), element: Some(values.schema()?), ..Schema::new(Type::Map) })
        }
        Tag::Struct => match dict.schema(value.struct_schema())? {
            Some(own) => own,
            None => return Ok(declared.cloned()),
        },
        _ if value.is_text() => Rc::new(Schema::new(Type::String)),
        tag => match scalar(tag) {
            Some(kind) => Rc::new(Schema::new(kind)),
            None => return Ok(None),
        },
    }))
}

fn scalar(tag: Tag) -> Option<Type> {
    Some(match tag {
        Tag::Int8 => Type::Int8,
        Tag::Int16 => Type::Int16,
        Tag::Int32 => Type::Int32,
        Tag::Int64 => Type::Int64,
        Tag::Float32 => Type::Float32,
        Tag::Float64 => Type::Float64,
        Tag::Boolean => Type::Boolean,
        Tag::Bytes | Tag::Raw => Type::Bytes,
        _ => return None,
    })
}

/// The one type of all elements, as far as Connect looks: of containers it keeps nothing but the type.
#[derive(Default)]
struct Detector {
    kind: Option<Type>,
    optional: bool,
}

impl Detector {
    fn accepts(&mut self, value: ValueRef<'_>, declared: Option<&Rc<Schema>>, dict: &mut Dictionaries) -> bool {
        if value.is_null() {
            self.optional = true;
            return true;
        }
        let Ok(Some(schema)) = infer(value, declared, dict) else { return false };
        *self.kind.get_or_insert(schema.kind) == schema.kind
    }

    fn schema(self) -> Result<Rc<Schema>> {
        let Some(kind) = self.kind else {
            let class = "org.apache.kafka.connect.errors.SchemaBuilderException";
            return Err(Error::data("type cannot be null").class(class));
        };
        Ok(Rc::new(Schema { optional: self.optional, ..Schema::new(kind) }))
    }
}
