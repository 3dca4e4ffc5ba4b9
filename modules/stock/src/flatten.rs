//! Flatten: puts the fields of nested structs, or the entries of nested maps, into the outermost one, under names that
//! tell the way.

use std::rc::Rc;

use berth_guest::{
    within, Arena, Cell, CellSketch, ConfigDef, ConfigKey, ConfigType, Context, Dictionaries, Error, Field,
    FieldSketch, Make, Memory, Outcome, Part, PerSchema, Plugin, Record, Result, Schema, Scratch, Sketch, Tag,
    Transform, Type, Value, ValueRef, NONE,
};

use crate::field_reader::FieldReader;
use crate::fields::{add_field, require_map, require_struct, same_basics, Half};
use crate::java_class::{class_of, name_of};
use crate::wtf8;

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
    ConfigDef::new(vec![
        ConfigKey::new("delimiter", ConfigType::String, "Stands between the names on the way.").default(".")
    ])
}

/// What becomes of a field.
enum Step {
    Copy(FieldReader),
    /// A nested struct at that index, with its fields.
    Enter(usize, Vec<Step>),
}

impl Step {
    /// Of the field.
    fn index(&self) -> usize {
        match self {
            Step::Copy(field) => field.index,
            Step::Enter(index, _) => *index,
        }
    }
}

struct Derived {
    schema: u32,
    steps: Vec<Step>,
}

struct Flatten {
    half: Half,
    delimiter: String,
    derived: PerSchema<Rc<Derived>>,
    names: Names,
    /// Fields of the struct at hand, and room for a map.
    flat: Vec<Part>,
    scratch: Scratch,
}

impl Flatten {
    fn new(context: &Context, half: Half) -> Result<Flatten> {
        let config = definition().parse(&context.config)?;
        let delimiter = config.string("delimiter");
        let (derived, names) = (PerSchema::default(), Names::default());
        Ok(Flatten { half, delimiter, derived, names, flat: Vec::new(), scratch: Scratch::default() })
    }

    fn derived(&mut self, dict: &mut Dictionaries, schema: u32) -> Result<Rc<Derived>> {
        let delimiter = &self.delimiter;
        self.derived.get(dict, schema, |dict, schema| {
            let mut new = same_basics(&schema);
            let steps = flat_fields(&schema, &Outer::top(&schema, delimiter), &mut new)?;
            Ok(Rc::new(Derived { schema: dict.intern_schema(&new)?, steps }))
        })
    }

    fn flatten_struct(&mut self, record: &mut Record<'_>, cell: Cell) -> Result<()> {
        require_struct(&cell, record, PURPOSE)?;
        let derived = self.derived(record.dict, cell.schema)?;
        self.flat.clear();
        match cell.is_apart() {
            true => flatten_apart(&derived.steps, &cell, record, &mut self.flat)?,
            false => {
                let whole = Part::named(0, 0).with(cell);
                enter(&derived.steps, whole, record.memory, &mut record.arena, &mut self.flat)?;
            }
        }
        let cell = record.arena.put_apart(&self.flat, Tag::Struct, derived.schema)?;
        self.half.set(record, cell);
        Ok(())
    }

    fn flatten_map(&mut self, record: &mut Record<'_>, cell: Cell) -> Result<()> {
        require_map(&cell, record, PURPOSE)?;
        let value = record.read(&cell, &mut self.scratch);
        let (mut shape, delimiter, names) = (Shape::default(), &self.delimiter, &mut self.names);
        shape.look_at(value, delimiter);
        if shape.is_flat {
            return Ok(());
        }
        names.find_replaced(value, delimiter, shape.may_clash)?;
        let cell = record.arena.build(NONE, |b| {
            let mut number = 0;
            b.open(Tag::Map);
            names.each(value, delimiter, &mut |names, item| {
                if names.replaced.binary_search(&number).is_err() {
                    wtf8::build(&names.path, b);
                    b.value(item);
                }
                number += 1;
            })?;
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
            match cell.schema {
                NONE => self.flatten_map(record, cell)?,
                _ => self.flatten_struct(record, cell)?,
            }
        }
        Ok(Outcome::Keep)
    }

    fn takes_apart(&self) -> bool {
        true
    }

    fn sketch(&mut self, sketch: &mut Sketch, dict: &mut Dictionaries) -> Result<bool> {
        let CellSketch::Struct { schema, fields } = self.half.sketch(sketch) else { return Ok(false) };
        let derived = self.derived(dict, *schema)?;
        let mut flat = Vec::new();
        let done = sketch_fields(&derived.steps, &|i| fields.get(i).cloned(), &mut flat);
        (*schema, *fields) = (derived.schema, flat);
        Ok(done.is_some())
    }
}

/// Appends what the steps make of the fields of a struct.
fn sketch_fields(
    steps: &[Step],
    field: &dyn Fn(usize) -> Option<FieldSketch>,
    flat: &mut Vec<FieldSketch>,
) -> Option<()> {
    for step in steps {
        let mut outer = field(step.index())?;
        match step {
            Step::Copy(reader) => {
                reader.sketch(&mut outer);
                flat.push(outer);
            }
            Step::Enter(_, steps) if steps.is_empty() && !outer.is_free() => return None,
            Step::Enter(_, steps) => sketch_fields(steps, &|i| outer.within(i), flat)?,
        }
    }
    Some(())
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
                return Err(Error::data(format!("{message} (for field {name}).")).at(&name));
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

/// Appends the fields of a struct that lies apart.
fn flatten_apart(steps: &[Step], cell: &Cell, record: &mut Record<'_>, flat: &mut Vec<Part>) -> Result<()> {
    for step in steps {
        let part = record.arena.parts(cell).get(step.index()).copied().unwrap_or(Part::named(0, 0));
        match step {
            Step::Copy(_) if !part.is_null() => flat.push(part),
            Step::Copy(field) => flat.push(field.carry(part, &mut record.arena)?),
            Step::Enter(_, steps) => enter(steps, part, record.memory, &mut record.arena, flat)?,
        }
    }
    Ok(())
}

/// Appends the fields of a struct that does not.
fn enter(steps: &[Step], outer: Part, memory: &Memory, arena: &mut Arena<'_>, flat: &mut Vec<Part>) -> Result<()> {
    let value = outer.stored(memory);
    let mut items = value.items();
    for step in steps {
        // Each field has a step, in their order.
        let place = |item| Part::named(0, 0).with(within(outer.off, value.payload, item));
        let part = items.next().map_or(Part::named(0, 0), place);
        match step {
            Step::Copy(_) if !part.is_null() || value.is_null() => flat.push(part),
            Step::Copy(field) => flat.push(field.carry(part, arena)?),
            Step::Enter(_, steps) => enter(steps, part, memory, arena, flat)?,
        }
    }
    Ok(())
}

/// What a map is like, found without building names.
struct Shape {
    /// Nothing is to be done, nothing to be refused.
    is_flat: bool,
    /// Two ways may have one name.
    may_clash: bool,
}

impl Default for Shape {
    fn default() -> Shape {
        Shape { is_flat: true, may_clash: false }
    }
}

impl Shape {
    fn look_at(&mut self, map: ValueRef<'_>, delimiter: &str) {
        self.may_clash |= delimiter.is_empty();
        for (key, value) in map.entries() {
            let name = key.payload;
            self.is_flat &= key.is_text() && value.tag != Tag::Map && unsupported(value).is_none();
            self.may_clash |= name.is_empty() || name.iter().any(|byte| delimiter.as_bytes().contains(byte));
            if value.tag == Tag::Map {
                self.look_at(value, delimiter);
            }
        }
    }
}

/// Walks through nested maps; what it holds is kept from record to record for its memory.
#[derive(Default)]
struct Names {
    /// Names on the way, joined.
    path: Vec<u8>,
    /// All names, one behind the other, and where each ends.
    all: Vec<u8>,
    ends: Vec<usize>,
    order: Vec<usize>,
    /// Numbers of entries that a later one of the same name replaces, rising.
    replaced: Vec<usize>,
}

impl Names {
    /// Calls `found` for each entry that is no map, its name in `path`.
    fn each<'v>(
        &mut self,
        map: ValueRef<'v>,
        delimiter: &str,
        found: &mut dyn FnMut(&mut Names, ValueRef<'v>),
    ) -> Result<()> {
        self.path.clear();
        self.enter(map, delimiter, found)
    }

    fn enter<'v>(
        &mut self,
        map: ValueRef<'v>,
        delimiter: &str,
        found: &mut dyn FnMut(&mut Names, ValueRef<'v>),
    ) -> Result<()> {
        let length = self.path.len();
        for (key, value) in map.entries() {
            if length > 0 {
                self.path.extend_from_slice(delimiter.as_bytes());
            }
            if !wtf8::append(key, &mut self.path) {
                return Err(not_a_name(key));
            }
            match (value.tag, unsupported(value)) {
                (Tag::Map, _) => self.enter(value, delimiter, found)?,
                (_, Some(refuse)) => return Err(refuse(value, &wtf8::shown(&self.path))),
                _ => found(self, value),
            }
            self.path.truncate(length);
        }
        Ok(())
    }

    fn find_replaced(&mut self, map: ValueRef<'_>, delimiter: &str, may_clash: bool) -> Result<()> {
        self.replaced.clear();
        if !may_clash {
            return Ok(());
        }
        self.all.clear();
        self.ends.clear();
        self.each(map, delimiter, &mut |names, _| {
            names.all.extend_from_slice(&names.path);
            names.ends.push(names.all.len());
        })?;
        let Names { all, ends, order, replaced, .. } = self;
        let name = |i: usize| &all[i.checked_sub(1).map_or(0, |before| ends[before])..ends[i]];
        order.clear();
        order.extend(0..ends.len());
        order.sort_by_key(|i| name(*i));
        replaced.extend(order.windows(2).filter(|pair| name(pair[0]) == name(pair[1])).map(|pair| pair[0]));
        replaced.sort_unstable();
        Ok(())
    }
}

fn not_a_name(key: ValueRef<'_>) -> Error {
    let found = name_of(key);
    let message = format!("class {found} cannot be cast to class java.lang.String: keys of maps must be strings");
    Error::data(message).class("java.lang.ClassCastException")
}

/// Makes the error for values of a class that may not stand in a map without a schema.
fn unsupported(value: ValueRef<'_>) -> Option<fn(ValueRef<'_>, &str) -> Error> {
    match value.tag {
        Tag::Object if value.is_text() => None,
        Tag::Decimal | Tag::Date | Tag::BigInt | Tag::Object => Some(|value, name| {
            let class = class_of(value);
            Error::data(format!(
                "Flatten transformation was passed a value of type {class} which is not supported by Connect's data API"
            ))
            .at(name)
        }),
        Tag::Struct => Some(|value, name| {
            let class = class_of(value);
            Error::data(format!(
                "Flatten transformation does not support {class} for record without schemas (for field {name})."
            ))
            .at(name)
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::Records;

    fn struct_of(values: Vec<Value>) -> Value {
        Value::Struct(NONE, values)
    }

    fn map(entries: &[(&str, Value)]) -> Value {
        Value::Map(entries.iter().map(|(name, value)| (Value::str(*name), value.clone())).collect())
    }

    #[test]
    fn each_schema_of_a_batch_is_flattened_in_its_own_way() {
        let int = || Schema::new(Type::Int32);
        let inner = Schema::new(Type::Struct).field("x", int()).field("y", Schema::new(Type::String).optional());
        let deep = Schema::new(Type::Struct).field("in", inner.clone().optional()).field("z", int());
        let flat = Schema::new(Type::Struct).field("z", int());
        let present = struct_of(vec![struct_of(vec![Value::Int32(1), Value::Null]), Value::Int32(2)]);
        let absent = struct_of(vec![Value::Null, Value::Int32(3)]);
        let mut records = Records::default();
        records.add(Some(&deep), &present).add(Some(&flat), &struct_of(vec![Value::Int32(4)]));
        records.add(Some(&deep), &absent).add(Some(&deep.clone().optional()), &Value::Null);
        let mut passed = records.through("transform", "Flatten$Value", &[("delimiter", "_")]);
        let wanted = Schema::new(Type::Struct)
            .field("in_x", int().optional())
            .field("in_y", Schema::new(Type::String).optional())
            .field("z", int());
        let (schema, value) = passed.value(0);
        assert_eq!(*schema.unwrap(), wanted);
        assert_eq!(value, struct_of(vec![Value::Int32(1), Value::Null, Value::Int32(2)]));
        assert_eq!(passed.value(1), (Some(Rc::new(flat)), struct_of(vec![Value::Int32(4)])));
        assert_eq!(passed.value(2).1, struct_of(vec![Value::Null, Value::Null, Value::Int32(3)]));
        assert_eq!(passed.value(3), (Some(Rc::new(deep.optional())), Value::Null));
    }

    #[test]
    fn of_entries_with_one_name_the_last_one_counts() {
        let one = |n| Value::Int32(n);
        let cases = [
            (".", map(&[("a.b", one(1)), ("a", map(&[("b", one(2))]))]), map(&[("a.b", one(2))])),
            (
                "",
                map(&[("a", map(&[("b", one(1))])), ("ab", one(2)), ("", one(3))]),
                map(&[("ab", one(2)), ("", one(3))]),
            ),
            (".", map(&[("", map(&[("a", one(1))])), ("a", one(2))]), map(&[("a", one(2))])),
            ("--", map(&[("a-", map(&[("b", one(1))])), ("a", map(&[("-b", one(2))]))]), map(&[("a---b", one(2))])),
            (".", map(&[("a", map(&[])), ("b", Value::Null)]), map(&[("b", Value::Null)])),
        ];
        for (delimiter, given, wanted) in cases {
            let mut records = Records::default();
            records.add(None, &given).add(None, &given);
            let mut passed = records.through("transform", "Flatten$Value", &[("delimiter", delimiter)]);
            assert_eq!((passed.value(0).1, passed.value(1).1), (wanted.clone(), wanted));
        }
    }

    #[test]
    fn a_value_that_has_no_type_fails_its_record_alone() {
        let date = map(&[("a", map(&[("b", Value::Date(1))]))]);
        let number_as_name = Value::Map(vec![(Value::Int32(1), Value::Int32(2))]);
        let mut records = Records::default();
        records.add(None, &date).add(None, &map(&[("a", Value::Int8(1))])).add(None, &number_as_name);
        let passed = records.through("transform", "Flatten$Value", &[]);
        let errors = passed.errors();
        assert_eq!((passed.len(), errors.len()), (1, 2));
        assert!(errors[0].1.contains("value of type class java.util.Date which"), "{errors:?}");
        assert!(errors[1].1.contains("class java.lang.Integer cannot be cast"), "{errors:?}");
    }
}
