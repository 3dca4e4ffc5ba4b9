//! Flatten: puts the fields of nested structs, or the entries of nested maps, into the outermost one, under names that
//! tell the way.

use std::rc::Rc;

use berth_guest::{
    Builder, ConfigDef, ConfigKey, ConfigType, Context, Error, Field, Make, Outcome, PerSchema, Plugin, Record, Result,
    Schema, Tag, Transform, Type, Value, ValueRef, NONE,
};

use crate::field_reader::FieldReader;
use crate::fields::{add_field, require_map, require_struct, same_basics, Half};
use crate::java_class::{class_name, class_of};

const PURPOSE: &str = "flattening";

pub fn plugins() -> Vec<Plugin> {
    let key = |context: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(Flatten::new(context, Half::Key)?)) };
    let value = |context: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(Flatten::new(context, Half::Value)?)) };
    let plugin = |class, make| {
        let doc = "Puts the fields of nested structs or maps into the outermost one; their names tell the way.";
        Plugin::new(class, crate::KAFKA_VERSION, doc, Make::Transform(make)).config(definition())
    };
    vec![
        plugin("org.apache.kafka.connect.transforms.Flatten$Key", key).aliases(&["Flatten$Key"]),
        plugin("org.apache.kafka.connect.transforms.Flatten$Value", value).aliases(&["Flatten$Value"]),
    ]
}

fn definition() -> ConfigDef {
    ConfigDef::new(vec![ConfigKey::new("delimiter", ConfigType::String, "Stands between the names on the way.")
        .default(".")])
}

/// What becomes of a field.
enum Step {
    Copy(FieldReader),
    /// A nested struct at that index, with its fields.
    Enter(usize, Vec<Step>),
}

struct Derived {
    schema: u32,
    steps: Vec<Step>,
}

struct Flatten {
    half: Half,
    delimiter: String,
    derived: PerSchema<Rc<Derived>>,
    entries: Entries,
}

impl Flatten {
    fn new(context: &Context, half: Half) -> Result<Flatten> {
        let config = definition().parse(&context.config)?;
        let delimiter = config.string("delimiter");
        Ok(Flatten { half, delimiter, derived: PerSchema::default(), entries: Entries::default() })
    }

    fn flatten_struct(&mut self, record: &mut Record<'_>, value: ValueRef<'_>, schema: u32) -> Result<()> {
        require_struct(value, PURPOSE)?;
        let delimiter = &self.delimiter;
        let derived = self.derived.get(record.dict, schema, |dict, schema| {
            let mut new = same_basics(&schema);
            let steps = flat_fields(&schema, &Outer::top(&schema, delimiter), &mut new)?;
            Ok(Rc::new(Derived { schema: dict.intern_schema(&new)?, steps }))
        })?;
        let cell = record.arena.build(derived.schema, |b| {
            b.open(Tag::Struct);
            copy_steps(&derived.steps, value, b)?;
            b.close_struct(NONE);
            Ok(())
        })?;
        self.half.set(record, cell);
        Ok(())
    }

    fn flatten_map(&mut self, record: &mut Record<'_>, value: ValueRef<'_>) -> Result<()> {
        require_map(value, PURPOSE)?;
        let entries = &mut self.entries;
        let mut flat = Vec::new();
        entries.clear();
        entries.collect(value, &self.delimiter, &mut flat)?;
        let cell = record.arena.build(NONE, |b| {
            b.open(Tag::Map);
            for i in 0..flat.len() {
                if !entries.is_replaced(i) {
                    b.str(entries.name(i));
                    b.value(flat[i]);
                }
            }
            b.close_map();
            Ok(())
        })?;
        self.half.set(record, cell);
        Ok(())
    }
}

impl Transform for Flatten {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
        let cell = self.half.cell(record);
        if !cell.is_null() {
            let value = record.cell(&cell);
            match cell.schema {
                NONE => self.flatten_map(record, value)?,
                schema => self.flatten_struct(record, value, schema)?,
            }
        }
        Ok(Outcome::Keep)
    }
}

/// What a struct hands down to the fields in it.
struct Outer<'a> {
    delimiter: &'a str,
    /// Names on the way so far, joined.
    path: String,
    optional: bool,
    default: Option<&'a Value>,
}

impl<'a> Outer<'a> {
    fn top(schema: &'a Schema, delimiter: &'a str) -> Outer<'a> {
        Outer { delimiter, path: String::new(), optional: schema.optional, default: schema.default.as_ref() }
    }

    fn name(&self, field: &str) -> String {
        match self.path.is_empty() {
            true => field.to_string(),
            false => format!("{}{}{field}", self.path, self.delimiter),
        }
    }

    /// The default of the field at `index`: its own, or what the default of the struct holds there.
    fn default_of(&self, field: &'a Field, index: usize) -> Option<&'a Value> {
        let inherited = match self.default {
            Some(Value::Struct(_, items)) => items.get(index).filter(|item| **item != Value::Null),
            _ => None,
        };
        field.schema.default.as_ref().or(inherited)
    }
}

/// Adds the fields of `schema` to `new`; says what to copy.
fn flat_fields(schema: &Schema, outer: &Outer<'_>, new: &mut Schema) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for (i, field) in schema.fields.iter().enumerate() {
        let name = outer.name(&field.name);
        let optional = outer.optional || field.schema.optional;
        let default = outer.default_of(field, i);
        match field.schema.kind {
            Type::Struct => {
                let inner = Outer { delimiter: outer.delimiter, path: name, optional, default };
                steps.push(Step::Enter(i, flat_fields(&field.schema, &inner, new)?));
            }
            Type::Map => {
                let message = "Flatten transformation does not support MAP for record with schemas";
                return Err(Error::data(format!("{message} (for field {name}).")));
            }
            _ => {
                let flat = Schema { optional, default: default.cloned(), ..Schema::clone(&field.schema) };
                add_field(new, Field { name: name.into(), schema: Rc::new(flat.clone()) })?;
                let mut reader = FieldReader::new(schema, i, true);
                reader.field.schema = Rc::new(flat);
                steps.push(Step::Copy(reader));
            }
        }
    }
    Ok(steps)
}

fn copy_steps(steps: &[Step], value: ValueRef<'_>, b: &mut Builder<'_>) -> Result<()> {
    let items = value.items();
    for step in steps {
        match step {
            Step::Copy(_) if value.is_null() => b.null(),
            Step::Copy(field) => field.copy(&items, b)?,
            Step::Enter(i, steps) => copy_steps(steps, items.get(*i).unwrap_or(ValueRef::NULL), b)?,
        }
    }
    Ok(())
}

/// Names of the entries of one flattened map; kept from record to record for their memory.
#[derive(Default)]
struct Entries {
    names: String,
    /// Where each name ends.
    ends: Vec<usize>,
    path: String,
    /// Two ways may have one name.
    ambiguous: bool,
    /// Numbers of entries that a later one of the same name replaces, sorted.
    replaced: Vec<usize>,
    order: Vec<usize>,
}

impl Entries {
    fn clear(&mut self) {
        self.names.clear();
        self.ends.clear();
        self.path.clear();
        self.ambiguous = false;
        self.replaced.clear();
    }

    fn name(&self, i: usize) -> &str {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.names[start..self.ends[i]]
    }

    fn is_replaced(&self, i: usize) -> bool {
        self.replaced.binary_search(&i).is_ok()
    }

    /// Lists all entries of `map` and of the maps in it.
    fn collect<'v>(&mut self, map: ValueRef<'v>, delimiter: &str, flat: &mut Vec<ValueRef<'v>>) -> Result<()> {
        self.ambiguous |= delimiter.is_empty();
        self.walk(map, delimiter, flat, false)?;
        if self.ambiguous {
            self.find_replaced();
        }
        Ok(())
    }

    fn walk<'v>(&mut self, map: ValueRef<'v>, delimiter: &str, flat: &mut Vec<ValueRef<'v>>, nested: bool) -> Result<()> {
        let length = self.path.len();
        for (key, value) in map.entries() {
            let Some(name) = key.str() else { return Err(not_a_name(key)) };
            self.ambiguous |= name.is_empty() || name.bytes().any(|byte| delimiter.as_bytes().contains(&byte));
            if length > 0 {
                self.path.push_str(delimiter);
            }
            self.path.push_str(name);
            match value.tag {
                Tag::Map => self.walk(value, delimiter, flat, true)?,
                tag => {
                    check_class(tag, value, &self.path)?;
                    self.names.push_str(&self.path);
                    self.ends.push(self.names.len());
                    flat.push(value);
                }
            }
            self.path.truncate(length);
        }
        self.ambiguous &= nested || !flat.is_empty();
        Ok(())
    }

    fn find_replaced(&mut self) {
        let mut order = std::mem::take(&mut self.order);
        order.clear();
        order.extend(0..self.ends.len());
        order.sort_by(|a, b| self.name(*a).cmp(self.name(*b)));
        self.replaced.extend(order.windows(2).filter(|pair| self.name(pair[0]) == self.name(pair[1])).map(|pair| pair[0]));
        self.replaced.sort_unstable();
        self.order = order;
    }
}

fn not_a_name(key: ValueRef<'_>) -> Error {
    let found = class_name(key.tag);
    let message = format!("class {found} cannot be cast to class java.lang.String: keys of maps must be strings");
    Error::data(message).class("java.lang.ClassCastException")
}

/// Values without a schema must be of a class that has a Connect type of its own.
fn check_class(tag: Tag, value: ValueRef<'_>, name: &str) -> Result<()> {
    match tag {
        Tag::Decimal | Tag::Date | Tag::BigInt => Err(Error::data(format!(
            "Flatten transformation was passed a value of type {} which is not supported by Connect's data API",
            class_of(value)
        ))),
        Tag::Struct => Err(Error::data(format!(
            "Flatten transformation does not support {} for record without schemas (for field {name}).",
            class_of(value)
        ))),
        _ => Ok(()),
    }
}
