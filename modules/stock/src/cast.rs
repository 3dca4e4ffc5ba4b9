//! Cast: turns fields, or the whole key or value, into another primitive type.

use std::rc::Rc;

use berth_guest::schema::{DATE, DECIMAL, TIME, TIMESTAMP};
use berth_guest::{
    trim, Arena, Cell, CellSketch, Config, ConfigDef, ConfigKey, ConfigType, Context, Dictionaries, Error, Field,
    Importance, Make, Memory, Outcome, Part, PerSchema, Plugin, Record, Remark, Result, Schema, Scratch, Sketch, Tag,
    Transform, Type, Validator, ValueRef, NONE,
};

use crate::cast_spec::CastSpec;
use crate::cast_value::{refused, Conversion};
use crate::field_reader::{any_null, FieldReader};
use crate::fields::{
    null_in_required, replace_null_key, require_map, require_struct, same_basics, Half, Places, SCHEMA_BUILDER,
};

const PURPOSE: &str = "cast types";

pub fn plugins() -> Vec<Plugin> {
    let key = |context: &Context| -> Result<Box<dyn Transform>> { new(context, Half::Key) };
    let value = |context: &Context| -> Result<Box<dyn Transform>> { new(context, Half::Value) };
    let plugin = |class, make| {
        let doc = "Turns fields, or the whole key or value, into another type: numbers, booleans and texts.";
        Plugin::new(class, crate::KAFKA_VERSION, doc, Make::Transform(make)).config(definition()).validate(check_spec)
    };
    vec![
        plugin("org.apache.kafka.connect.transforms.Cast$Key", key).aliases(&["Cast$Key"]),
        plugin("org.apache.kafka.connect.transforms.Cast$Value", value).aliases(&["Cast$Value"]),
    ]
}

fn definition() -> ConfigDef {
    let spec =
        "What becomes of what: field:type pairs, or one type for the whole key or value. Types are int8, int16, \
                int32, int64, float32, float64, boolean and string.";
    ConfigDef::new(vec![
        // Its errors do not begin with the key's name and value, as those of rules do, so the rule is in check_spec.
        ConfigKey::new("spec", ConfigType::List, spec)
            .importance(Importance::High)
            .validator(Validator::Custom("list of colon-delimited pairs, e.g. <code>foo:bar,abc:xyz</code>", |_| {
                Ok(())
            })),
        replace_null_key(),
    ])
}

fn check_spec(config: &Config) -> Vec<Remark> {
    let problem = CastSpec::parse(config.get("spec").map(trim)).err();
    problem.map(|error| Remark { name: "spec".into(), errors: vec![error], ..Remark::default() }).into_iter().collect()
}

fn new(context: &Context, half: Half) -> Result<Box<dyn Transform>> {
    let config = definition().parse(&context.config)?;
    Ok(match CastSpec::parse(config.text("spec")).map_err(Error::config)? {
        CastSpec::Whole(target) => Box::new(CastWhole { half, target, derived: PerSchema::default() }),
        CastSpec::Fields(fields) => {
            Box::new(CastFields::new(half, fields, config.boolean("replace.null.with.default")))
        }
    })
}

/// Casts the whole key or value.
struct CastWhole {
    half: Half,
    target: Type,
    /// The schema afterwards and the way there.
    derived: PerSchema<(u32, Conversion)>,
}

impl Transform for CastWhole {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
        let cell = self.half.cell(record);
        if cell.is_null() {
            return Ok(Outcome::Keep);
        }
        let target = self.target;
        let (schema, conversion) = match cell.schema {
            NONE => (NONE, Conversion::new(None, target)),
            schema => self.derived.get(record.dict, schema, |dict, schema| {
                let derived = derive_whole(&schema, target)?;
                Ok((dict.intern_schema(&derived)?, Conversion::new(Some(&schema), target)))
            })?,
        };
        let value = record.cell(&cell);
        let cast = match conversion.keeps(value) {
            true => Cell::new(cell.off, cell.len, cell.tag(), schema),
            false => record.arena.write(conversion.tag_of(value), schema, |out| conversion.append(value, out))?,
        };
        self.half.set(record, cast);
        Ok(Outcome::Keep)
    }
}

/// Everything of the schema stays but its type: also the name, so that what is called a date may be a text.
fn derive_whole(schema: &Schema, target: Type) -> Result<Schema> {
    let mut derived = Schema { kind: target, optional: schema.optional, ..same_basics(schema) };
    if let Some(default) = &schema.default {
        derived.default = Some(Conversion::new(Some(schema), target).cast(default)?);
        if matches!(schema.name(), Some(DECIMAL | DATE | TIME | TIMESTAMP)) {
            return Err(Error::data("Invalid default value").class(SCHEMA_BUILDER));
        }
    }
    Ok(derived)
}

/// A field of a struct, before and after.
struct Step {
    from: FieldReader,
    to: Field,
    conversion: Option<Conversion>,
}

impl Step {
    #[inline]
    fn take(&self, cell: &Cell, record: &mut Record<'_>) -> Result<Part> {
        let part = self.from.part(cell, record);
        let Some(conversion) = self.conversion else { return self.from.carry(part, &mut record.arena) };
        let value = self.from.value(&part, record.memory);
        if value.is_null() && !self.to.schema.optional {
            return Err(null_in_required(&self.to));
        }
        let cast = write_cast(conversion, value, &mut record.arena).map_err(|e| e.at(&self.to.name))?;
        Ok(part.with(cast))
    }

    /// Whether there is something to do.
    fn changes(&self) -> bool {
        self.conversion.is_some() || self.from.minds_null()
    }
}

#[inline]
fn write_cast(conversion: Conversion, value: ValueRef<'_>, arena: &mut Arena<'_>) -> Result<Cell> {
    match value.is_null() {
        true => Ok(Cell::NULL),
        false => arena.write(conversion.tag_of(value), NONE, |out| conversion.append(value, out)),
    }
}

/// What becomes of structs of one schema.
struct Derived {
    schema: u32,
    /// Of fields that may change.
    steps: Vec<Step>,
    /// Indexes of the steps that change each value.
    casting: Vec<usize>,
    all: Vec<usize>,
    /// Indexes of the fields that are not cast and mind null.
    minding: Vec<usize>,
}

impl Derived {
    /// The steps that have something to do, in order.
    #[inline]
    fn steps_for(&self, parts: &[Part]) -> &[usize] {
        match any_null(&self.minding, parts) {
            true => &self.all,
            false => &self.casting,
        }
    }
}

/// Casts fields.
struct CastFields {
    half: Half,
    fields: Vec<(String, Type)>,
    /// Of these fields.
    names: Vec<String>,
    replace_null: bool,
    /// `None`: structs of that schema stay as they are.
    derived: PerSchema<Option<Rc<Derived>>>,
    places: Places,
    missing: Vec<Part>,
    /// Room for a field of the record at hand.
    scratch: Scratch,
}

impl CastFields {
    fn new(half: Half, fields: Vec<(String, Type)>, replace_null: bool) -> CastFields {
        let names = fields.iter().map(|(name, _)| name.clone()).collect();
        let (derived, places, missing) = (PerSchema::default(), Places::default(), Vec::new());
        CastFields { half, fields, names, replace_null, derived, places, missing, scratch: Scratch::default() }
    }

    fn cast_map(&mut self, record: &mut Record<'_>, cell: Cell) -> Result<()> {
        require_map(&cell, record, PURPOSE)?;
        let mut cell = record.lay_apart(&cell)?;
        self.missing.clear();
        let places = self.places.of(&self.names, &mut cell, record);
        for ((name, target), place) in self.fields.iter().zip(places.iter()) {
            let Some(place) = *place else {
                self.missing.push(record.arena.name_part(name)?); // It is added as null.
                continue;
            };
            let part = record.arena.parts(&cell)[place];
            if *target == Type::String && is_own_text(&part, record.memory) {
                let text = Cell::new(part.off, part.len, Tag::String, NONE);
                record.arena.parts_mut(&cell)[place] = part.with(text);
                continue;
            }
            let value = part.value(record.memory, &mut self.scratch);
            let cast = write_cast(Conversion::new(None, *target), value, &mut record.arena);
            record.arena.parts_mut(&cell)[place] = part.with(cast.map_err(|e| e.at(name))?);
        }
        if !self.missing.is_empty() {
            cell = record.arena.append_parts(&cell, &self.missing)?;
        }
        self.half.set(record, cell);
        Ok(())
    }

    fn derived(&mut self, dict: &mut Dictionaries, schema: u32) -> Result<Option<Rc<Derived>>> {
        let (fields, replace_null) = (&self.fields, self.replace_null);
        self.derived.get(dict, schema, |dict, schema| derive(fields, &schema, replace_null, dict))
    }

    fn cast_struct(&mut self, record: &mut Record<'_>, cell: Cell) -> Result<()> {
        let derived = self.derived(record.dict, cell.schema)?;
        require_struct(&cell, record, PURPOSE)?;
        let Some(derived) = derived else { return Ok(()) };
        let cell = record.lay_apart(&cell)?;
        for i in derived.steps_for(record.arena.parts(&cell)) {
            let step = &derived.steps[*i];
            let new = step.take(&cell, record)?;
            if let Some(place) = record.arena.parts_mut(&cell).get_mut(step.from.index) {
                *place = new;
            }
        }
        self.half.set(record, cell.under(derived.schema));
        Ok(())
    }
}

/// Whether a part is a whole number that nobody has read and that stands in its text as Java prints it.
#[inline]
fn is_own_text(part: &Part, memory: &Memory) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    part.is_unread() && part.canonical && part.len > 0 && part.stored(memory).payload.iter().all(is_digit)
}

/// `None` if no field is to be cast and no default may change any.
fn derive(
    fields: &[(String, Type)],
    schema: &Schema,
    replace_null: bool,
    dict: &mut Dictionaries,
) -> Result<Option<Rc<Derived>>> {
    if schema.kind != Type::Struct {
        return Err(Error::data("Cannot list fields on non-struct type"));
    }
    let mut steps = Vec::new();
    for from in FieldReader::all(schema, replace_null) {
        let target = fields.iter().find(|(name, _)| **name == *from.field.name).map(|(_, target)| *target);
        steps.push(match target {
            Some(target) => cast_step(from, target)?,
            None => Step { to: from.field.clone(), from, conversion: None },
        });
    }
    if schema.default.is_some() {
        return Err(refused(Type::Struct));
    }
    let touched = steps.iter().any(|step| step.conversion.is_some() || step.to.schema.default.is_some());
    if !touched {
        return Ok(None);
    }
    let mut derived = Schema { optional: schema.optional, ..same_basics(schema) };
    derived.fields = steps.iter().map(|step| step.to.clone()).collect();
    steps.retain(Step::changes);
    let all: Vec<usize> = (0..steps.len()).collect();
    let minding = steps.iter().filter(|step| step.conversion.is_none()).map(|step| step.from.index).collect();
    let casting = all.iter().copied().filter(|i| steps[*i].conversion.is_some()).collect();
    Ok(Some(Rc::new(Derived { schema: dict.intern_schema(&derived)?, steps, casting, all, minding })))
}

/// Of a field's schema, only whether it is optional and its default remain.
fn cast_step(from: FieldReader, target: Type) -> Result<Step> {
    let old = &from.field.schema;
    let conversion = Conversion::new(Some(old), target);
    let mut new = Schema { optional: old.optional, ..Schema::new(target) };
    if let Some(default) = &old.default {
        new.default = Some(conversion.cast(default).map_err(|e| e.at(&from.field.name))?);
    }
    let to = Field { name: from.field.name.clone(), schema: Rc::new(new) };
    Ok(Step { from, to, conversion: Some(conversion) })
}

impl Transform for CastFields {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
        let cell = self.half.cell(record);
        if !cell.is_null() {
            match cell.schema {
                NONE => self.cast_map(record, cell)?,
                _ => self.cast_struct(record, cell)?,
            }
        }
        Ok(Outcome::Keep)
    }

    fn takes_apart(&self) -> bool {
        true
    }

    fn sketch(&mut self, sketch: &mut Sketch, dict: &mut Dictionaries) -> Result<bool> {
        let CellSketch::Struct { schema, fields } = self.half.sketch(sketch) else { return Ok(false) };
        let Some(derived) = self.derived(dict, *schema)? else { return Ok(true) };
        for step in &derived.steps {
            let Some(field) = fields.get_mut(step.from.index) else { return Ok(false) };
            step.from.sketch(field);
            let Some(conversion) = step.conversion else { continue };
            let cast = move |value: ValueRef<'_>, out: &mut Vec<u8>| {
                conversion.append(value, out).ok().map(|()| conversion.tag_of(value))
            };
            if !field.compute(Rc::new(cast)) {
                return Ok(false);
            }
        }
        *schema = derived.schema;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use berth_guest::event::{kind, message};
    use berth_guest::fake::FakeHost;
    use berth_guest::Value;

    use super::*;
    use crate::trial::Records;

    fn order() -> Schema {
        let price = Schema { default: Some(Value::str("7")), ..Schema::new(Type::String).optional() };
        let at = Schema::temporal(TIMESTAMP).optional();
        Schema::new(Type::Struct).named("Order").versioned(2).optional().field("price", price).field("at", at)
    }

    fn of_order(price: Value, at: Value) -> Value {
        Value::Struct(NONE, vec![price, at])
    }

    #[test]
    fn records_of_several_schemas_are_cast_each_in_its_own_fields() {
        let other = Schema::new(Type::Struct).field("x", Schema::new(Type::Int32)).field("at", Schema::new(Type::Int8));
        let mut records = Records::default();
        for _ in 0..3 {
            records.add(Some(&order()), &of_order(Value::str("12"), Value::Date(1_000)));
            records.add(Some(&order()), &of_order(Value::Null, Value::Null));
            records.add(Some(&other), &Value::Struct(NONE, vec![Value::Int32(9), Value::Int8(-1)]));
            records.add(None, &Value::map([("x", Value::Null), ("at", Value::Float32(1.5))]));
            records.add(Some(&order()), &of_order(Value::str("dear"), Value::Null));
            records.add(Some(&order()), &Value::Null);
        }
        let config = [("spec", "price:int16,at:string")];
        let mut passed = records.through("transform", "Cast$Value", &config);
        let text = || Schema::new(Type::String).optional();
        let price = Schema { default: Some(Value::Int16(7)), ..Schema::new(Type::Int16).optional() };
        let cast = Schema::new(Type::Struct).named("Order").versioned(2).optional().field("price", price);
        let cast = Some(Rc::new(cast.field("at", text())));
        let other =
            Schema::new(Type::Struct).field("x", Schema::new(Type::Int32)).field("at", Schema::new(Type::String));
        for i in (0..3).map(|i| 5 * i) {
            let first = of_order(Value::Int16(12), Value::str("00:00:01.000Z"));
            assert_eq!(passed.value(i), (cast.clone(), first));
            assert_eq!(passed.value(i + 1), (cast.clone(), of_order(Value::Int16(7), Value::Null)));
            let third = Value::Struct(NONE, vec![Value::Int32(9), Value::str("-1")]);
            assert_eq!(passed.value(i + 2), (Some(Rc::new(other.clone())), third));
            let fourth = Value::map([("x", Value::Null), ("at", Value::str("1.5")), ("price", Value::Null)]);
            assert_eq!(passed.value(i + 3), (None, fourth));
            assert_eq!(passed.value(i + 4), (Some(Rc::new(order())), Value::Null));
        }
        let refused = |record| (record, "Value (dear) was out of range for requested data type".to_string());
        assert_eq!(passed.errors(), [4, 10, 16].map(refused));
    }

    #[test]
    fn what_has_the_type_already_is_not_written_again() {
        let plain = Schema::new(Type::Struct).field("at", Schema::new(Type::Int64));
        let mut records = Records::default();
        for n in 0..10 {
            let key = Schema::new(Type::String).named(["even", "odd"][n % 2]);
            let value = Value::Struct(NONE, vec![Value::Int64(n as i64)]);
            records.add(Some(&plain), &value).key(Some(&key), &Value::str("the key"));
        }
        let whole = [("spec", "string")];
        let mut passed = records.through("transform", "Cast$Key", &whole);
        assert_eq!(passed.written, 0);
        assert_eq!(passed.key(9), (Some(Rc::new(Schema::new(Type::String).named("odd"))), Value::str("the key")));

        let mut records = Records::default();
        records.add(Some(&plain), &Value::Struct(NONE, vec![Value::Int64(1)]));
        let passed = records.through("transform", "Cast$Value", &[("spec", "price:int8")]);
        assert_eq!((passed.written, passed.errors()), (0, Vec::new()));
    }

    #[test]
    fn schemas_that_cannot_be_made_fail_their_records_only() {
        let defaulted = Schema { default: Some(Value::Date(5)), ..Schema::temporal(TIMESTAMP) };
        let mut records = Records::default();
        records.add(Some(&defaulted), &Value::Date(6));
        records.add(Some(&Schema::temporal(TIMESTAMP)), &Value::Date(6));
        records.add(Some(&Schema::new(Type::Array)), &Value::Array(Vec::new()));
        let mut passed = records.through("transform", "Cast$Value", &[("spec", "int64")]);
        assert_eq!(passed.value(0).1, Value::Int64(6));
        let errors = passed.errors();
        assert_eq!(errors[0], (0, "Invalid default value".to_string()));
        assert!(errors[1].1.starts_with("Cast transformation does not support casting from ARRAY;"));

        let mut records = Records::default();
        let default = Some(Value::Struct(NONE, vec![Value::Null, Value::Null]));
        records.add(Some(&Schema { default, ..order() }), &of_order(Value::Null, Value::Null));
        records.add(Some(&Schema::new(Type::String)), &Value::str("x"));
        let errors = records.through("transform", "Cast$Value", &[("spec", "price:int8")]).errors();
        assert!(errors[0].1.starts_with("Cast transformation does not support casting from STRUCT;"));
        assert_eq!(errors[1], (1, "Cannot list fields on non-struct type".to_string()));
    }

    #[test]
    fn validation_speaks_as_the_start_does() {
        let mut host = FakeHost::default();
        host.plan("validate", Vec::new(), Vec::new());
        let request = |config| {
            let class = Value::str("org.apache.kafka.connect.transforms.Cast$Key");
            Value::map([("plugin", class), ("kind", Value::str("transform")), ("config", config)])
        };
        for config in [Value::Map(Vec::new()), Value::map([("spec", Value::str(" a:int8 "))])] {
            host.value_event(kind::VALIDATE, &request(config));
        }
        host.run(&crate::plugins());
        let answers: Vec<Value> = host.said(message::VALIDATED).map(|said| said.value().unwrap()).collect();
        let errors = answers[0].as_array()[0].get("errors").as_array().to_vec();
        assert_eq!(errors, [Value::str("Must specify at least one field to cast.")]);
        assert_eq!(answers[1].as_array(), []);
    }
}
