//! ReplaceField: keeps, drops and renames fields.

use std::rc::Rc;

use berth_guest::{
    split_list, Cell, ConfigDef, ConfigKey, ConfigType, Constant, Context, Error, Field, Layouts, Make, Memory,
    Outcome, Part, PerSchema, Plugin, Record, Result, Schema, Transform, Validator, NONE,
};

use crate::field_reader::FieldReader;
use crate::fields::{add_field, is_named, require_map, require_struct, same_basics, Half};

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

/// How the fields of one schema turn into those of the next: the old field for each new one.
struct Derived {
    schema: u32,
    from: Vec<FieldReader>,
}

/// What becomes of maps of the same names.
struct Kept {
    /// The old field of each new one, rising.
    from: Vec<usize>,
    /// Old fields that get another name, each with the number of the renaming.
    renamed: Vec<(usize, usize)>,
}

struct Rename {
    old: String,
    new: String,
}

/// Which fields go on, and under which names.
struct Choice {
    exclude: Vec<String>,
    include: Vec<String>,
    renames: Vec<Rename>,
    replace_null: bool,
}

impl Choice {
    fn keeps(&self, name: &[u8]) -> bool {
        let holds = |list: &[String]| list.iter().any(|item| item.as_bytes() == name);
        !holds(&self.exclude) && (self.include.is_empty() || holds(&self.include))
    }

    fn renamed<'n>(&'n self, name: &'n str) -> &'n str {
        let rename = self.renames.iter().rev().find(|rename| rename.old == name);
        rename.map_or(name, |rename| &rename.new)
    }

    fn derive(&self, schema: &Schema) -> Result<(Schema, Vec<FieldReader>)> {
        let mut new = same_basics(schema);
        for field in schema.fields.iter().filter(|f| self.keeps(f.name.as_bytes())) {
            let name = self.renamed(&field.name);
            add_field(&mut new, Field { name: name.into(), schema: field.schema.clone() })?;
        }
        let mut from = Vec::new();
        for field in &new.fields {
            // Connect looks the old name up by the new one, whichever field got it.
            let rename = self.renames.iter().rev().find(|rename| *rename.new == *field.name);
            let old = rename.map_or(&*field.name, |rename| rename.old.as_str());
            let Some(i) = schema.index_of(old) else {
                return Err(Error::data(format!("{old} is not a valid field name")).at(old));
            };
            let mut reader = FieldReader::new(schema, i, self.replace_null);
            reader.field.name = field.name.clone();
            from.push(reader);
        }
        Ok((new, from))
    }

    /// Of fields that have one name in the end, the last one stays.
    fn kept(&self, parts: &[Part], memory: &Memory) -> Kept {
        let renaming = |part: &Part| self.renames.iter().rposition(|rename| is_named(part, memory, &rename.old));
        let is_kept = |i: &usize| self.keeps(parts[*i].name(memory).payload);
        let mut fields: Vec<_> = (0..parts.len()).filter(is_kept).map(|i| (i, renaming(&parts[i]))).collect();
        let is_named_by = |&(i, rename): &(usize, Option<usize>), by: usize| match rename {
            Some(rename) => self.renames[rename].new == self.renames[by].new,
            None => is_named(&parts[i], memory, &self.renames[by].new),
        };
        for by in fields.clone().into_iter().filter_map(|(_, rename)| rename) {
            let last = fields.iter().rposition(|field| is_named_by(field, by));
            let mut at = 0..;
            fields.retain(|field| at.next() == last || !is_named_by(field, by));
        }
        let renamed = fields.iter().filter_map(|(i, rename)| Some((*i, (*rename)?))).collect();
        Kept { from: fields.into_iter().map(|(i, _)| i).collect(), renamed }
    }
}

struct ReplaceField {
    half: Half,
    choice: Choice,
    /// The new name of each renaming, as bytes.
    names: Vec<Constant>,
    derived: PerSchema<Rc<Derived>>,
    layouts: Layouts<Kept>,
    /// Fields of the struct at hand that go on.
    chosen: Vec<Part>,
}

impl ReplaceField {
    fn new(context: &Context, half: Half) -> Result<ReplaceField> {
        let config = definition().parse(&context.config)?;
        let renames = parse_renames(config.text("renames").unwrap_or("")).map_err(Error::config)?;
        let choice = Choice {
            exclude: config.list("exclude"),
            include: config.list("include"),
            renames: renames.into_iter().map(|(old, new)| Rename { old, new }).collect(),
            replace_null: config.boolean("replace.null.with.default"),
        };
        Ok(ReplaceField {
            half,
            names: choice.renames.iter().map(|rename| Constant::text(&rename.new)).collect(),
            choice,
            derived: PerSchema::default(),
            layouts: Layouts::default(),
            chosen: Vec::new(),
        })
    }

    fn replace_in_map(&mut self, record: &mut Record<'_>, cell: Cell) -> Result<()> {
        require_map(&cell, record, PURPOSE)?;
        let mut cell = record.lay_apart(&cell)?;
        let (memory, choice) = (record.memory, &self.choice);
        let kept = self.layouts.get(&mut cell, record, |parts| choice.kept(parts, memory));
        for &(field, rename) in &kept.renamed {
            let name = self.names[rename].name(record.dict, &mut record.arena)?;
            let part = &mut record.arena.parts_mut(&cell)[field];
            (part.name_off, part.name_len) = (name.name_off, name.name_len);
        }
        let mut cell = record.arena.keep_parts(&cell, &kept.from);
        self.layouts.mark(&mut cell);
        self.half.set(record, cell);
        Ok(())
    }

    fn replace_in_struct(&mut self, record: &mut Record<'_>, cell: Cell) -> Result<()> {
        require_struct(&cell, record, PURPOSE)?;
        let choice = &self.choice;
        let derived = self.derived.get(record.dict, cell.schema, |dict, schema| {
            let (new, from) = choice.derive(&schema)?;
            Ok(Rc::new(Derived { schema: dict.intern_schema(&new)?, from }))
        })?;
        let cell = record.lay_apart(&cell)?;
        self.chosen.clear();
        for reader in &derived.from {
            let part = reader.part(&cell, record);
            self.chosen.push(reader.carry(part, &mut record.arena)?);
        }
        let cell = record.arena.put_apart(&self.chosen, cell.tag(), derived.schema)?;
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
