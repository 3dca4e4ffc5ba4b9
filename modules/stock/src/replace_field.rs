//! ReplaceField: keeps, drops and renames fields.

use std::rc::Rc;

use berth_guest::{
    split_list, ConfigDef, ConfigKey, ConfigType, Context, Error, Field, Make, Outcome, PerSchema, Plugin, Record,
    Result, Schema, Tag, Transform, Validator, ValueRef, NONE,
};

use crate::fields::{add_field, copy, require_map, require_struct, same_basics, Half};

const PURPOSE: &str = "field replacement";

pub fn plugins() -> Vec<Plugin> {
    let key =
        |context: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(ReplaceField::new(context, Half::Key)?)) };
    let value =
        |context: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(ReplaceField::new(context, Half::Value)?)) };
    let plugin = |class, make| {
        let doc = "Keeps, drops or renames fields.";
        Plugin::new(class, crate::KAFKA_VERSION, doc, Make::Transform(make)).config(definition())
    };
    vec![
        plugin("org.apache.kafka.connect.transforms.ReplaceField$Key", key).aliases(&["ReplaceField$Key"]),
        plugin("org.apache.kafka.connect.transforms.ReplaceField$Value", value).aliases(&["ReplaceField$Value"]),
    ]
}

fn definition() -> ConfigDef {
    let list = |name, doc| ConfigKey::new(name, ConfigType::List, doc).default("");
    ConfigDef::new(vec![
        list("exclude", "Fields to drop; stronger than include."),
        list("include", "Fields to keep; empty: all."),
        list("renames", "Fields to rename, as old:new.")
            .validator(Validator::Custom("list of colon-delimited pairs, e.g. <code>foo:bar,abc:xyz</code>", |text| {
                parse_renames(text.unwrap_or("")).map(drop)
            })),
        ConfigKey::new("replace.null.with.default", ConfigType::Boolean, "Copy a field's default in place of null.")
            .default("true"),
    ])
}

/// Pairs of old and new names.
fn parse_renames(text: &str) -> std::result::Result<Vec<(String, String)>, String> {
    let pair = |mapping: &String| {
        // Java's split leaves trailing empty parts out.
        let parts: Vec<&str> = mapping.trim_end_matches(':').split(':').collect();
        match parts[..] {
            [old, new] => Ok((old.to_string(), new.to_string())),
            _ => Err(format!("Invalid rename mapping: {mapping}")),
        }
    };
    split_list(text).iter().map(pair).collect()
}

/// How the fields of one schema turn into those of the next: index of the old field for each new one.
struct Derived {
    schema: u32,
    from: Vec<(usize, Field)>,
}

struct ReplaceField {
    half: Half,
    exclude: Vec<String>,
    include: Vec<String>,
    renames: Vec<(String, String)>,
    replace_null: bool,
    derived: PerSchema<Rc<Derived>>,
}

impl ReplaceField {
    fn new(context: &Context, half: Half) -> Result<ReplaceField> {
        let config = definition().parse(&context.config)?;
        Ok(ReplaceField {
            half,
            exclude: config.list("exclude"),
            include: config.list("include"),
            renames: parse_renames(config.text("renames").unwrap_or("")).map_err(Error::config)?,
            replace_null: config.boolean("replace.null.with.default"),
            derived: PerSchema::default(),
        })
    }

    fn keeps(&self, name: &[u8]) -> bool {
        let holds = |list: &[String]| list.iter().any(|item| item.as_bytes() == name);
        !holds(&self.exclude) && (self.include.is_empty() || holds(&self.include))
    }

    fn renamed<'n>(&'n self, name: &'n [u8]) -> &'n [u8] {
        let new = self.renames.iter().rev().find(|(old, _)| old.as_bytes() == name);
        new.map_or(name, |(_, new)| new.as_bytes())
    }

    fn derive(&self, schema: &Schema) -> Result<(Schema, Vec<(usize, Field)>)> {
        let mut new = same_basics(schema);
        for field in schema.fields.iter().filter(|f| self.keeps(f.name.as_bytes())) {
            let name = std::str::from_utf8(self.renamed(field.name.as_bytes())).unwrap_or(&field.name);
            add_field(&mut new, Field { name: name.into(), schema: field.schema.clone() })?;
        }
        let mut from = Vec::new();
        for field in &new.fields {
            // Connect looks the old name up by the new one, whichever field got it.
            let old = self.renames.iter().rev().find(|(_, new)| **new == *field.name);
            let old = old.map_or(&*field.name, |(old, _)| old.as_str());
            let Some(i) = schema.index_of(old) else {
                return Err(Error::data(format!("{old} is not a valid field name")));
            };
            from.push((i, Field { name: field.name.clone(), schema: schema.fields[i].schema.clone() }));
        }
        Ok((new, from))
    }

    fn replace_in_map(&self, record: &mut Record<'_>, value: ValueRef<'_>) -> Result<()> {
        require_map(value, PURPOSE)?;
        let cell = record.arena.build(NONE, |b| {
            b.open(Tag::Map);
            for (i, (key, item)) in value.entries().enumerate() {
                if !self.keeps(key.payload) {
                    continue;
                }
                let name = self.renamed(key.payload);
                let later = |(k, _): (ValueRef<'_>, _)| self.keeps(k.payload) && self.renamed(k.payload) == name;
                if self.renames.is_empty() || !value.entries().skip(i + 1).any(later) {
                    b.value(ValueRef::new(key.tag, name));
                    b.value(item);
                }
            }
            b.close_map();
            Ok(())
        })?;
        self.half.set(record, cell);
        Ok(())
    }

    fn replace_in_struct(&mut self, record: &mut Record<'_>, value: ValueRef<'_>, schema: u32) -> Result<()> {
        require_struct(value, PURPOSE)?;
        let mut cache = std::mem::take(&mut self.derived);
        let derived = cache.get(record.dict, schema, |dict, schema| {
            let (new, from) = self.derive(&schema)?;
            Ok(Rc::new(Derived { schema: dict.intern_schema(&new)?, from }))
        });
        self.derived = cache;
        let derived = derived?;
        let items = value.items();
        let cell = record.arena.build(derived.schema, |b| {
            b.open(Tag::Struct);
            for (i, field) in &derived.from {
                copy(b, items.get(*i).unwrap_or(ValueRef::NULL), field, self.replace_null)?;
            }
            b.close_struct(NONE);
            Ok(())
        })?;
        self.half.set(record, cell);
        Ok(())
    }
}

impl Transform for ReplaceField {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
        let cell = self.half.cell(record);
        if !cell.is_null() {
            let value = record.cell(&cell);
            match cell.schema {
                NONE => self.replace_in_map(record, value)?,
                schema => self.replace_in_struct(record, value, schema)?,
            }
        }
        Ok(Outcome::Keep)
    }
}
