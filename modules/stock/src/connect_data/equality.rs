//! What Java's `equals` says of schemas and objects.

use std::rc::Rc;

use berth_guest::Schema;

use super::object::Object;
use super::structs::Struct;

/// `ConnectSchema.equals`. Parameters have no order, fields have.
pub fn schemas_equal(a: &Schema, b: &Schema) -> bool {
    if std::ptr::eq(a, b) {
        return true;
    }
    let children_equal = |a: &Option<Rc<Schema>>, b: &Option<Rc<Schema>>| match (a, b) {
        (Some(a), Some(b)) => schemas_equal(a, b),
        (None, None) => true,
        _ => false,
    };
    let defaults_equal = match (Object::default_of(a), Object::default_of(b)) {
        (Some(a), Some(b)) => deep_equals(&a, &b),
        (None, None) => true,
        _ => false,
    };
    a.kind == b.kind
        && a.optional == b.optional
        && (&a.name, a.version, &a.doc) == (&b.name, b.version, &b.doc)
        && parameters_equal(a, b)
        && defaults_equal
        && children_equal(&a.key, &b.key)
        && children_equal(&a.element, &b.element)
        && a.fields.len() == b.fields.len()
        && a.fields.iter().zip(&b.fields).all(|(a, b)| a.name == b.name && schemas_equal(&a.schema, &b.schema))
}

/// Whether parameters are the same maps; none differ from an empty map.
pub fn parameters_equal(a: &Schema, b: &Schema) -> bool {
    match (&a.parameters, &b.parameters) {
        (Some(a), Some(b)) => a.len() == b.len() && a.iter().all(|parameter| b.contains(parameter)),
        (None, None) => true,
        _ => false,
    }
}

/// `Struct.equals`: arrays of bytes as fields count by their content.
pub fn structs_equal(a: &Struct, b: &Struct) -> bool {
    schemas_equal(a.schema(), b.schema()) && a.values().iter().zip(b.values()).all(|(a, b)| deep_equals(a, b))
}

/// `Objects.deepEquals`.
pub fn deep_equals(a: &Object, b: &Object) -> bool {
    match (a, b) {
        (Object::Bytes(a), Object::Bytes(b)) => a == b,
        _ => equals(a, b),
    }
}

/// `Objects.equals`: of two arrays of bytes that neither is the other, of numbers that class and bits are the same.
pub fn equals(a: &Object, b: &Object) -> bool {
    match (a, b) {
        (Object::Null, Object::Null) => true,
        (Object::Int8(a), Object::Int8(b)) => a == b,
        (Object::Int16(a), Object::Int16(b)) => a == b,
        (Object::Int32(a), Object::Int32(b)) => a == b,
        (Object::Int64(a), Object::Int64(b)) => a == b,
        (Object::Float32(a), Object::Float32(b)) => a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(),
        (Object::Float64(a), Object::Float64(b)) => a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(),
        (Object::Boolean(a), Object::Boolean(b)) => a == b,
        (Object::String(a), Object::String(b)) => a == b,
        (Object::List(a), Object::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equals(a, b)),
        (Object::Map(a), Object::Map(b)) => a.len() == b.len() && a.iter().all(|entry| has_entry(b, entry)),
        (Object::Struct(a), Object::Struct(b)) => structs_equal(a, b),
        (Object::Decimal { unscaled: a, scale: of_a }, Object::Decimal { unscaled: b, scale: of_b }) => {
            (a, of_a) == (b, of_b)
        }
        (Object::BigInteger(a), Object::BigInteger(b)) => a == b,
        (Object::Date(a), Object::Date(b)) => a == b,
        (Object::ByteBuffer { .. }, Object::ByteBuffer { .. }) => content(a) == content(b),
        (Object::Other { class: a, text: of_a }, Object::Other { class: b, text: of_b }) => (a, of_a) == (b, of_b),
        _ => false,
    }
}

fn has_entry(map: &[(Object, Object)], (key, value): &(Object, Object)) -> bool {
    map.iter().any(|(k, v)| equals(k, key) && equals(v, value))
}

fn content(buffer: &Object) -> Option<&[u8]> {
    match buffer {
        Object::ByteBuffer { array, position, limit } => array.get(*position..*limit),
        _ => None,
    }
}
