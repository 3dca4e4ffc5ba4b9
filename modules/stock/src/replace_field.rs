//! ReplaceField: keeps, drops and renames fields.

use std::rc::Rc;

use berth_guest::{
    split_list, Cell, ConfigDef, ConfigKey, ConfigType, Context, Error, Field, Make, Outcome, Part, PerSchema, Plugin,
    Record, Result, Schema, Tag, Transform, Validator, NONE,
};

use crate::fields::{add_field, carry, is_named, require_map, require_struct, same_basics, Half};

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
    /// Fields of the record at hand, those of a struct that go on, fields with a new name and which it is, and fields
    /// that give way to another one.
    parts: Vec<Part>,
    chosen: Vec<Part>,
    renamed: Vec<(usize, usize)>,
    replaced: Vec<usize>,
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
            parts: Vec::new(),
            chosen: Vec::new(),
            renamed: Vec::new(),
            replaced: Vec::new(),
        })
    }

    fn keeps(&self, name: &[u8]) -> bool {
        let holds = |list: &[String]| list.iter().any(|item| item.as_bytes() == name);
        !holds(&self.exclude) && (self.include.is_empty() || holds(&self.include))
    }

    fn renamed<'n>(&'n self, name: &'n str) -> &'n str {
        let new = self.renames.iter().rev().find(|(old, _)| old == name);
        new.map_or(name, |(_, new)| new)
    }

    fn derive(&self, schema: &Schema) -> Result<(Schema, Vec<(usize, Field)>)> {
        let mut new = same_basics(schema);
        for field in schema.fields.iter().filter(|f| self.keeps(f.name.as_bytes())) {
            let name = self.renamed(&field.name);
            add_field(&mut new, Field { name: name.into(), schema: field.schema.clone() })?;
        }
        let mut from = Vec::new();
        for field in &new.fields {
            // Connect looks the old name up by the new one, whichever field got it.
            let old = self.renames.iter().rev().find(|(_, new)| **new == *field.name);
            let old = old.map_or(&*field.name, |(old, _)| old.as_str());
            let Some(i) = schema.index_of(old) else {
                return Err(Error::data(format!("{old} is not a valid field name")).at(old));
            };
            from.push((i, Field { name: field.name.clone(), schema: schema.fields[i].schema.clone() }));
        }
        Ok((new, from))
    }

    fn replace_in_map(&mut self, record: &mut Record<'_>, cell: Cell) -> Result<()> {
        require_map(record.cell(&cell), PURPOSE)?;
        let mut parts = std::mem::take(&mut self.parts);
        record.take_apart(&cell, &mut parts);
        parts.retain(|part| self.keeps(part.name(record.memory).payload));
        self.rename(&mut parts, record)?;
        let cell = record.arena.put_apart(&parts, Tag::Map, NONE)?;
        self.half.set(record, cell);
        self.parts = parts;
        Ok(())
    }

    /// Gives fields their new names. Of fields that have one name then, the last one stays.
    fn rename(&mut self, parts: &mut Vec<Part>, record: &mut Record<'_>) -> Result<()> {
        let memory = record.memory;
        let renamed = |part: &Part| self.renames.iter().rposition(|(old, _)| is_named(part, memory, old));
        self.renamed.clear();
        self.renamed.extend(parts.iter().enumerate().filter_map(|(i, part)| Some((i, renamed(part)?))));
        for &(i, rename) in &self.renamed {
            let new = &self.renames[rename].1;
            let is_new = |k: usize| match self.renamed.iter().find(|(i, _)| *i == k) {
                Some((_, rename)) => self.renames[*rename].1 == *new,
                None => is_named(&parts[k], memory, new),
            };
            let mut twins = (0..parts.len()).filter(|k| is_new(*k));
            let last = twins.next_back().unwrap_or(i);
            self.replaced.extend((0..parts.len()).filter(|k| *k != last && is_new(*k)));
        }
        for &(i, rename) in &self.renamed {
            let name = record.arena.name_part(&self.renames[rename].1)?;
            (parts[i].name_off, parts[i].name_len) = (name.name_off, name.name_len);
        }
        if !self.replaced.is_empty() {
            let mut at = 0..;
            parts.retain(|_| at.next().is_none_or(|i| !self.replaced.contains(&i)));
            self.replaced.clear();
        }
        Ok(())
    }

    fn replace_in_struct(&mut self, record: &mut Record<'_>, cell: Cell) -> Result<()> {
        require_struct(record.cell(&cell), PURPOSE)?;
        let mut cache = std::mem::take(&mut self.derived);
        let derived = cache.get(record.dict, cell.schema, |dict, schema| {
            let (new, from) = self.derive(&schema)?;
            Ok(Rc::new(Derived { schema: dict.intern_schema(&new)?, from }))
        });
        self.derived = cache;
        let derived = derived?;
        record.take_apart(&cell, &mut self.parts);
        self.chosen.clear();
        for (i, field) in &derived.from {
            let part = self.parts.get(*i).copied().unwrap_or(Part::named(0, 0));
            self.chosen.push(carry(part, field, self.replace_null, &mut record.arena)?);
        }
        let cell = record.arena.put_apart(&self.chosen, Tag::Struct, derived.schema)?;
        self.half.set(record, cell);
        Ok(())
    }
}

impl Transform for ReplaceField {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
        let cell = self.half.cell(record);
        if !cell.is_null() {
            match cell.schema {
                NONE => self.replace_in_map(record, cell)?,
                _ => self.replace_in_struct(record, cell)?,
            }
        }
        Ok(Outcome::Keep)
    }

    fn takes_apart(&self) -> bool {
        true
    }
}
