//! `org.apache.kafka.connect.data.Struct`.

use std::rc::Rc;

use berth_guest::{Error, Result, Schema, Type, Value};

use super::object::{joined, Object};
use super::schema_validation::{validate, Location};

/// Values for the fields of a schema. A field that was not set is null.
#[derive(Clone, Debug)]
pub struct Struct {
    schema: Rc<Schema>,
    values: Vec<Object>,
}

impl Struct {
    /// An empty struct; refuses schemas of other types.
    pub fn new(schema: &Rc<Schema>) -> Result<Struct> {
        if schema.kind != Type::Struct {
            return Err(Error::data(format!("Not a struct schema: {}", schema.describe())));
        }
        Ok(Struct { schema: schema.clone(), values: vec![Object::Null; schema.fields.len()] })
    }

    /// A struct of the ABI; values beyond the fields are left out.
    pub(super) fn of_values(schema: &Rc<Schema>, values: &[Value]) -> Struct {
        let value = |i: usize| values.get(i).unwrap_or(&Value::Null);
        let fields = schema.fields.iter().enumerate();
        let values = fields.map(|(i, field)| Object::of(value(i), Some(&field.schema))).collect();
        Struct { schema: schema.clone(), values }
    }

    pub fn schema(&self) -> &Rc<Schema> {
        &self.schema
    }

    /// One for each field, without defaults.
    pub fn values(&self) -> &[Object] {
        &self.values
    }

    /// Sets a field to a value that its schema allows.
    pub fn put(&mut self, field: &str, value: Object) -> Result<()> {
        let index = self.index_of(field)?;
        validate(&self.schema.fields[index].schema, &value, Location::Field(field))?;
        self.values[index] = value;
        Ok(())
    }

    /// Sets a field without a check, as who reads what was checked before may do.
    pub fn set(&mut self, field: &str, value: Object) -> Result<()> {
        let index = self.index_of(field)?;
        self.values[index] = value;
        Ok(())
    }

    /// The value of a field, or its default if it was not set.
    pub fn get(&self, field: &str) -> Result<Object> {
        let index = self.index_of(field)?;
        Ok(match &self.values[index] {
            Object::Null => Object::default_of(&self.schema.fields[index].schema).unwrap_or(Object::Null),
            value => value.clone(),
        })
    }

    pub fn get_without_default(&self, field: &str) -> Result<&Object> {
        Ok(&self.values[self.index_of(field)?])
    }

    /// The value of a field of this type, without its default (`getInt8` and its kin).
    pub fn get_typed(&self, field: &str, kind: Type) -> Result<&Object> {
        let index = self.index_of(field)?;
        if self.schema.fields[index].schema.kind != kind {
            return Err(Error::data(format!("Field '{field}' is not of type {kind}")));
        }
        Ok(&self.values[index])
    }

    /// `getBytes`: of a buffer the whole array, whatever its position.
    pub fn get_bytes(&self, field: &str) -> Result<Object> {
        Ok(match self.get_typed(field, Type::Bytes)? {
            Object::ByteBuffer { array, .. } => Object::Bytes(array.clone()),
            value => value.clone(),
        })
    }

    /// Checks that every field has a value that its schema allows.
    pub fn validate(&self) -> Result<()> {
        for (field, value) in self.schema.fields.iter().zip(&self.values) {
            let may_lack = field.schema.optional || field.schema.default.is_some();
            if !(value.is_null() && may_lack) {
                validate(&field.schema, value, Location::Field(&field.name))?;
            }
        }
        Ok(())
    }

    /// `toString`: fields that are set.
    pub fn text(&self) -> String {
        let set = self.schema.fields.iter().zip(&self.values).filter(|(_, value)| !value.is_null());
        format!("Struct{{{}}}", joined(set.map(|(field, value)| format!("{}={}", field.name, value.text())), ","))
    }

    fn index_of(&self, field: &str) -> Result<usize> {
        self.schema.index_of(field).ok_or_else(|| Error::data(format!("{field} is not a valid field name")))
    }
}
