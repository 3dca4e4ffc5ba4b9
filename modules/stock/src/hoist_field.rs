//! HoistField: wraps the key or value in a struct, or in a map if it has no schema.

use std::rc::Rc;

use berth_guest::{
    ConfigDef, ConfigKey, ConfigType, Context, Field, Make, Outcome, PerSchema, Plugin, Record, Result, Schema, Tag,
    Transform, Type, NONE,
};

use crate::fields::{add_field, copy, Half};

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
    derived: PerSchema<(u32, Field)>,
}

impl HoistField {
    fn new(context: &Context, half: Half) -> Result<HoistField> {
        let config = definition().parse(&context.config)?;
        Ok(HoistField { half, field: config.string("field").into(), derived: PerSchema::default() })
    }

    fn wrap_in_map(&self, record: &mut Record<'_>) -> Result<()> {
        let value = record.cell(&self.half.cell(record));
        let cell = record.arena.build(NONE, |b| {
            b.open(Tag::Map);
            b.str(&self.field);
            b.value(value);
            b.close_map();
            Ok(())
        })?;
        self.half.set(record, cell);
        Ok(())
    }

    fn wrap_in_struct(&mut self, record: &mut Record<'_>, schema: u32) -> Result<()> {
        let name = &self.field;
        let (index, field) = self.derived.get(record.dict, schema, |dict, schema| {
            let mut new = Schema::new(Type::Struct);
            let field = Field { name: name.clone(), schema };
            add_field(&mut new, field.clone())?;
            Ok((dict.intern_schema(&new)?, field))
        })?;
        let value = record.cell(&self.half.cell(record));
        let cell = record.arena.build(index, |b| {
            b.open(Tag::Struct);
            copy(b, value, &field, false)?;
            b.close_struct(NONE);
            Ok(())
        })?;
        self.half.set(record, cell);
        Ok(())
    }
}

impl Transform for HoistField {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
        match self.half.cell(record).schema {
            NONE => self.wrap_in_map(record)?,
            schema => self.wrap_in_struct(record, schema)?,
        }
        Ok(Outcome::Keep)
    }
}
