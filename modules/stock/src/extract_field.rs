//! ExtractField: puts one field of the key or value in the place of the whole.

use std::rc::Rc;

use berth_guest::{
    within, Cell, CellSketch, ConfigDef, ConfigKey, ConfigType, Context, Dictionaries, Error, Make, Outcome, Part,
    PerSchema, Plugin, Record, Result, Schema, Scratch, Sketch, Transform, Type, Value, ValueRef, NONE,
};

use crate::field_path::{syntax_key, FieldPath};
use crate::fields::{require_map, require_struct, Half, Places};

const PURPOSE: &str = "field extraction";

pub fn plugins() -> Vec<Plugin> {
    let key =
        |context: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(ExtractField::new(context, Half::Key)?)) };
    let value =
        |context: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(ExtractField::new(context, Half::Value)?)) };
    let plugin = |class, make| {
        let doc = "Puts one field of the key or value in the place of the whole.";
        Plugin::new(class, crate::KAFKA_VERSION, doc, Make::Transform(make)).config(definition())
    };
    vec![
        plugin("org.apache.kafka.connect.transforms.ExtractField$Key", key).aliases(&["ExtractField$Key"]),
        plugin("org.apache.kafka.connect.transforms.ExtractField$Value", value).aliases(&["ExtractField$Value"]),
    ]
}

fn definition() -> ConfigDef {
    ConfigDef::new(vec![
        ConfigKey::new("field", ConfigType::String, "The field to extract, a path if field.syntax.version is V2."),
        ConfigKey::new("replace.null.with.default", ConfigType::Boolean, "Extract a field's default in place of null.")
            .default("true"),
        syntax_key(),
    ])
}

/// Where the field is in structs of one schema.
struct Place {
    /// Index of each field on the way.
    steps: Vec<usize>,
    schema: u32,
    /// Body of what stands for null.
    default: Option<Vec<u8>>,
}

struct ExtractField {
    half: Half,
    path: FieldPath,
    replace_null: bool,
    places: PerSchema<Rc<Place>>,
    names: Places,
    scratch: Scratch,
}

impl ExtractField {
    fn new(context: &Context, half: Half) -> Result<ExtractField> {
        let config = definition().parse(&context.config)?;
        Ok(ExtractField {
            half,
            path: FieldPath::new(&config.string("field"), &config.string("field.syntax.version"))?,
            replace_null: config.boolean("replace.null.with.default"),
            places: PerSchema::default(),
            names: Places::default(),
            scratch: Scratch::default(),
        })
    }

    fn place(&mut self, dict: &mut Dictionaries, schema: u32) -> Result<Rc<Place>> {
        let (path, replace_null) = (&self.path, self.replace_null);
        self.places.get(dict, schema, |dict, schema| {
            let (steps, found) = find(path, &schema)?;
            let default = found.default.as_ref().filter(|_| replace_null).map(Value::to_body);
            Ok(Rc::new(Place { steps, schema: dict.intern_schema(&found)?, default }))
        })
    }

    fn extract_from_struct(&mut self, record: &mut Record<'_>, cell: Cell) -> Result<Cell> {
        if !cell.is_null() {
            require_struct(&cell, record, PURPOSE)?;
        }
        let place = self.place(record.dict, cell.schema)?;
        let field = follow(&place.steps, &cell, record).unwrap_or(Part::named(0, 0));
        match place.default.as_deref().and_then(ValueRef::of_item) {
            Some(default) if field.is_null() && !cell.is_null() => copied(default, place.schema, record),
            _ if field.is_null() => Ok(Cell::null(place.schema)),
            _ => Ok(field.cell().under(place.schema)),
        }
    }

    fn extract_from_map(&mut self, record: &mut Record<'_>, mut cell: Cell) -> Result<Cell> {
        require_map(&cell, record, PURPOSE)?;
        let steps = self.path.steps()?;
        if !cell.is_apart() {
            let value = record.cell(&cell);
            return Ok(within(cell.off, value.payload, self.path.value_in_map(value)?));
        }
        if steps.len() > 1 {
            let found = self.path.value_in_map(record.read(&cell, &mut self.scratch))?;
            return copied(found, NONE, record);
        }
        let place = self.names.of(steps, &mut cell, record)[0];
        match place.map(|i| record.arena.parts(&cell)[i]) {
            Some(part) if part.is_unread() => copied(part.value(record.memory, &mut self.scratch), NONE, record),
            Some(part) => Ok(part.cell()),
            None => Ok(Cell::NULL),
        }
    }
}

fn copied(value: ValueRef<'_>, schema: u32, record: &mut Record<'_>) -> Result<Cell> {
    match value.is_null() {
        true => Ok(Cell::null(schema)),
        false => record.arena.write(value.tag, schema, |out| {
            out.extend_from_slice(value.payload);
            Ok(())
        }),
    }
}

/// The field at the end of the way from a struct.
fn follow(steps: &[usize], cell: &Cell, record: &Record<'_>) -> Option<Part> {
    let (first, more) = steps.split_first()?;
    let mut at = record.field(cell, *first)?;
    for i in more {
        let value = at.stored(record.memory);
        at = at.with(within(at.off, value.payload, value.item(*i)?));
    }
    Some(at)
}

/// The path's indexes and the schema that it ends at.
fn find(path: &FieldPath, schema: &Rc<Schema>) -> Result<(Vec<usize>, Rc<Schema>)> {
    let mut at = schema.clone();
    let mut steps = Vec::new();
    for step in path.steps()? {
        if at.kind != Type::Struct {
            return Err(Error::data("Cannot look up fields on non-struct type"));
        }
        let Some(i) = at.index_of(step) else {
            let message = format!("Unknown field: {}", path.text);
            return Err(Error::data(message).class("java.lang.IllegalArgumentException").at(&path.text));
        };
        steps.push(i);
        at = at.fields[i].schema.clone();
    }
    Ok((steps, at))
}

impl Transform for ExtractField {
    #[inline]
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
        let cell = self.half.cell(record);
        let field = match cell.schema {
            NONE if cell.is_null() => return Ok(Outcome::Keep),
            NONE => self.extract_from_map(record, cell)?,
            _ => self.extract_from_struct(record, cell)?,
        };
        self.half.set(record, field);
        Ok(Outcome::Keep)
    }

    fn takes_apart(&self) -> bool {
        true
    }

    fn sketch(&mut self, sketch: &mut Sketch, dict: &mut Dictionaries) -> Result<bool> {
        let cell = self.half.sketch(sketch);
        let CellSketch::Struct { schema, fields } = cell else { return Ok(false) };
        let place = self.place(dict, *schema)?;
        let Some((first, more)) = place.steps.split_first() else { return Ok(false) };
        if fields.iter().enumerate().any(|(i, field)| i != *first && !field.is_free()) {
            return Ok(false);
        }
        let field = more.iter().try_fold(fields.get(*first).cloned(), |field, i| Some(field?.within(*i)));
        let Some(mut field) = field.flatten() else { return Ok(false) };
        if place.default.is_some() {
            field.mind_null();
        }
        *cell = CellSketch::Field { schema: place.schema, field };
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use berth_guest::event::{kind, message};
    use berth_guest::fake::{stage, FakeHost};
    use berth_guest::{Batch, Entry, Tag};

    use super::*;

    #[test]
    fn a_path_is_looked_up_once_per_schema() {
        let inner = Schema::new(Type::Struct).field("c", Schema::new(Type::Int32));
        let other = Schema::new(Type::String);
        let schema = Rc::new(Schema::new(Type::Struct).field("a", other).field("b", inner));
        let place = |path: &str| find(&FieldPath::new(path, "V2").unwrap(), &schema);
        let (steps, found) = place("b.c").unwrap();
        assert_eq!((steps, found.kind), (vec![1, 0], Type::Int32));
        assert_eq!(place("a").unwrap().0, [0]);
        let unknown = place("b.x").unwrap_err();
        assert_eq!(unknown.message, "Unknown field: b.x");
        assert_eq!(unknown.class_name(), "java.lang.IllegalArgumentException");
        assert_eq!(place("a.x").unwrap_err().message, "Cannot look up fields on non-struct type");
        assert_eq!(place("").unwrap_err().message, "fromIndex(0) > toIndex(-1)");
    }

    #[test]
    fn a_default_stands_for_null_if_asked_for() {
        for (replace, want) in [("true", Value::Int32(7)), ("false", Value::Null)] {
            let config = [("field", "a"), ("replace.null.with.default", replace)];
            let stages = vec![stage("transform", "ExtractField$Value", &config)];
            let defaulted = Schema { default: Some(Value::Int32(7)), ..Schema::new(Type::Int32).optional() };
            let schema = Schema::new(Type::Struct).field("a", defaulted.clone());
            let mut input = Batch::default();
            let topic = input.dict.intern_topic("t").unwrap();
            let index = input.dict.intern_schema(&schema).unwrap();
            let mut entry = Entry::new(topic);
            let built = input.build(index, |b| {
                b.open(Tag::Struct);
                b.null();
                b.close_struct(NONE);
                Ok(())
            });
            entry.value = built.unwrap();
            input.entries.push(entry);
            input.input_count = 1;
            let input = input.to_bytes().unwrap();
            let mut host = FakeHost::default();
            host.plan("task", stages, Vec::new());
            host.event(kind::BATCH, &input);
            host.run(&crate::plugins());
            let result = host.said(message::RESULT).next().unwrap();
            let mut batch = Batch::from_result(result.bytes(), &input).unwrap();
            let cell = batch.entries[0].value;
            assert_eq!(Value::decode(batch.value(&cell)).unwrap(), want);
            assert_eq!(*batch.dict.schema(cell.schema).unwrap().unwrap(), defaulted);
        }
    }
}
