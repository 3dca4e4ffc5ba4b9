//! HoistField: wraps the key or value in a struct, or in a map if it has no schema.

use std::rc::Rc;

use berth_guest::{
    ConfigDef, ConfigKey, ConfigType, Constant, Context, Field, Make, Outcome, Part, PerSchema, Plugin, Record, Result,
    Schema, Tag, Transform, Type, NONE,
};

use crate::fields::{add_field, null_in_required, Half};

pub fn plugins() -> Vec<Plugin> {
    let key = |context: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(HoistField::new(context, Half::Key)?)) };
    let value =
        |context: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(HoistField::new(context, Half::Value)?)) };
    let plugin = |class, make| {
        let doc = "Wraps the whole key or value as the one field of a struct, or of a map if it has no schema.";
        Plugin::new(class, crate::KAFKA_VERSION, doc, Make::Transform(make)).config(definition())
    };
    vec![
        plugin("org.apache.kafka.connect.transforms.HoistField$Key", key).aliases(&["HoistField$Key"]),
        plugin("org.apache.kafka.connect.transforms.HoistField$Value", value).aliases(&["HoistField$Value"]),
    ]
}

fn definition() -> ConfigDef {
    ConfigDef::new(vec![ConfigKey::new("field", ConfigType::String, "Name of the field that gets the key or value.")])
}

struct HoistField {
    half: Half,
    field: Rc<str>,
    name: Constant,
    derived: PerSchema<(u32, Rc<Field>)>,
}

impl HoistField {
    fn new(context: &Context, half: Half) -> Result<HoistField> {
        let config = definition().parse(&context.config)?;
        let field: Rc<str> = config.string("field").into();
        Ok(HoistField { half, name: Constant::text(&field), field, derived: PerSchema::default() })
    }

    /// The name of the field, and tag and schema of what wraps values of a schema.
    #[inline]
    fn wrapping(&mut self, record: &mut Record<'_>, schema: u32, is_null: bool) -> Result<(Part, Tag, u32)> {
        if schema == NONE {
            return Ok((self.name.name(record.dict, &mut record.arena)?, Tag::Map, NONE));
        }
        let name = &self.field;
        let (index, field) = self.derived.get(record.dict, schema, |dict, schema| {
            let mut new = Schema::new(Type::Struct);
            let field = Field { name: name.clone(), schema };
            add_field(&mut new, field.clone())?;
            Ok((dict.intern_schema(&new)?, Rc::new(field)))
        })?;
        match is_null && !field.schema.optional {
            true => Err(null_in_required(&field)),
            false => Ok((Part::named(0, 0), Tag::Struct, index)),
        }
    }
}

impl Transform for HoistField {
    #[inline]
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
        let cell = self.half.cell(record);
        let (name, tag, schema) = self.wrapping(record, cell.schema, cell.is_null())?;
        let value = record.whole(&cell)?;
        let cell = record.arena.put_apart(&[name.with(value)], tag, schema)?;
        self.half.set(record, cell);
        Ok(Outcome::Keep)
    }

    fn takes_apart(&self) -> bool {
        true
    }
}
