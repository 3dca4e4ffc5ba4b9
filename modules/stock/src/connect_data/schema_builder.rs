//! `org.apache.kafka.connect.data.SchemaBuilder`: attributes are set once, and a default is a value of its schema.

use std::rc::Rc;

use berth_guest::{Error, Field, Result, Schema, Type};

use super::object::Object;
use super::schema_validation::{validate, Location};

const EXCEPTION: &str = "org.apache.kafka.connect.errors.SchemaBuilderException";

/// A schema in the making.
pub struct SchemaBuilder {
    schema: Schema,
    /// Whether `optional` or `required` was called, and which.
    optional: Option<bool>,
}

impl SchemaBuilder {
    pub fn new(kind: Option<Type>) -> Result<SchemaBuilder> {
        let kind = kind.ok_or_else(|| refused("type cannot be null"))?;
        Ok(SchemaBuilder { schema: Schema::new(kind), optional: None })
    }

    pub fn array(element: Option<Rc<Schema>>) -> Result<SchemaBuilder> {
        let element = element.ok_or_else(|| refused("valueSchema cannot be null."))?;
        Ok(Schema { element: Some(element), ..Schema::new(Type::Array) }.into())
    }

    pub fn map(key: Option<Rc<Schema>>, value: Option<Rc<Schema>>) -> Result<SchemaBuilder> {
        let key = key.ok_or_else(|| refused("keySchema cannot be null."))?;
        let value = value.ok_or_else(|| refused("valueSchema cannot be null."))?;
        Ok(Schema { key: Some(key), element: Some(value), ..Schema::new(Type::Map) }.into())
    }

    pub fn optional(&mut self, optional: bool) -> Result<()> {
        can_set("optional", self.optional.is_none_or(|set| set == optional))?;
        self.optional = Some(optional);
        self.schema.optional = optional;
        Ok(())
    }

    pub fn name(&mut self, name: Option<&str>) -> Result<()> {
        can_set("name", self.schema.name.as_deref().is_none_or(|set| Some(set) == name))?;
        self.schema.name = name.map(Rc::from);
        Ok(())
    }

    pub fn version(&mut self, version: Option<i32>) -> Result<()> {
        can_set("version", self.schema.version.is_none_or(|set| Some(set) == version))?;
        self.schema.version = version;
        Ok(())
    }

    pub fn doc(&mut self, doc: Option<&str>) -> Result<()> {
        can_set("doc", self.schema.doc.as_deref().is_none_or(|set| Some(set) == doc))?;
        self.schema.doc = doc.map(Rc::from);
        Ok(())
    }

    /// Sets a parameter, again if need be. Null can't stand in a schema of the ABI; such a parameter is left out.
    pub fn parameter(&mut self, key: &str, value: Option<&str>) {
        let parameters = self.schema.parameters.get_or_insert_default();
        match (parameters.iter_mut().find(|(known, _)| known == key), value) {
            (Some(known), Some(value)) => known.1 = value.to_string(),
            (None, Some(value)) => parameters.push((key.to_string(), value.to_string())),
            (_, None) => parameters.retain(|(known, _)| known != key),
        }
    }

    /// Sets the default, which must be a value of the schema as it is so far.
    pub fn default_value(&mut self, value: &Object) -> Result<()> {
        can_set("default", self.schema.default.is_none())?;
        let invalid = |cause: Error| refused("Invalid default value").caused_by(cause.class_name(), cause.message);
        validate(&self.schema, value, Location::Value).map_err(invalid)?;
        self.schema.default = value.to_value().filter(|_| !value.is_null());
        Ok(())
    }

    /// Adds a field to a STRUCT.
    pub fn field(&mut self, name: Option<&str>, schema: Option<Rc<Schema>>) -> Result<()> {
        if self.schema.kind != Type::Struct {
            return Err(refused(format!("Cannot create fields on type {}", self.schema.kind)));
        }
        let name = name.filter(|name| !name.is_empty()).ok_or_else(|| refused("fieldName cannot be null."))?;
        let schema = schema.ok_or_else(|| refused(format!("fieldSchema for field {name} cannot be null.")))?;
        if self.schema.index_of(name).is_some() {
            return Err(refused(format!("Cannot create field because of field name duplication {name}")));
        }
        self.schema.fields.push(Field { name: name.into(), schema });
        Ok(())
    }

    pub fn fields(&self) -> Result<&[Field]> {
        match self.schema.kind {
            Type::Struct => Ok(&self.schema.fields),
            _ => Err(Error::data("Cannot list fields on non-struct type")),
        }
    }

    pub fn field_of(&self, name: &str) -> Result<Option<&Field>> {
        match self.schema.kind {
            Type::Struct => Ok(self.schema.fields.iter().find(|field| &*field.name == name)),
            _ => Err(Error::data("Cannot look up fields on non-struct type")),
        }
    }

    /// The schema so far.
    pub fn build(&self) -> Schema {
        self.schema.clone()
    }
}

/// A builder that goes on from a schema, as those of logical types do.
impl From<Schema> for SchemaBuilder {
    fn from(schema: Schema) -> SchemaBuilder {
        SchemaBuilder { schema, optional: None }
    }
}

fn can_set(attribute: &str, free: bool) -> Result<()> {
    match free {
        true => Ok(()),
        false => Err(refused(format!("Invalid SchemaBuilder call: {attribute} has already been set."))),
    }
}

fn refused(message: impl Into<String>) -> Error {
    Error::data(message).class(EXCEPTION)
}
