//! TimestampConverter: turns times from one form into another, as the whole key or value or in one of its fields.

use std::cell::RefCell;
use std::rc::Rc;

use berth_guest::{
    Builder, Cell, CellSketch, ConfigDef, ConfigKey, ConfigType, Context, Dictionaries, Error, Field, Importance, Make,
    Outcome, Part, PerSchema, Plugin, Record, Result, Schema, Scratch, Sketch, Stack, Transform, Validator, Value,
    ValueRef, NONE,
};

use crate::field_reader::{any_null, FieldReader};
use crate::fields::{
    add_field, null_in_required, replace_null_key, require_map, require_struct, same_basics, Half, Places,
};
use crate::timestamp_type::{Conversion, Precision, TimestampType};

const PURPOSE: &str = "converting timestamp formats";

pub fn plugins() -> Vec<Plugin> {
    let key = |context: &Context| -> Result<Box<dyn Transform>> {
        Ok(Box::new(TimestampConverter::new(context, Half::Key)?))
    };
    let value = |context: &Context| -> Result<Box<dyn Transform>> {
        Ok(Box::new(TimestampConverter::new(context, Half::Value)?))
    };
    let plugin = |class, make| {
        let doc = "Turns times into texts, Unix time or Connect's Date, Time and Timestamp, and back.";
        Plugin::new(class, crate::KAFKA_VERSION, doc, Make::Transform(make)).config(definition())
    };
    vec![
        plugin("org.apache.kafka.connect.transforms.TimestampConverter$Key", key).aliases(&["TimestampConverter$Key"]),
        plugin("org.apache.kafka.connect.transforms.TimestampConverter$Value", value)
            .aliases(&["TimestampConverter$Value"]),
    ]
}

fn definition() -> ConfigDef {
    ConfigDef::new(vec![
        ConfigKey::new(
            "field",
            ConfigType::String,
            "The field that holds the time; empty: the whole key or value is it.",
        )
        .default("")
        .importance(Importance::High),
        ConfigKey::new("target.type", ConfigType::String, "What the time becomes.")
            .importance(Importance::High)
            .validator(one_of(&TimestampType::NAMES)),
        ConfigKey::new(
            "format",
            ConfigType::String,
            "Form of texts that are read or written, a SimpleDateFormat pattern.",
        )
        .default(""),
        ConfigKey::new("unix.precision", ConfigType::String, "Unit of Unix time that is read or written.")
            .default("milliseconds")
            .importance(Importance::Low)
            .validator(one_of(&Precision::NAMES)),
        replace_null_key(),
    ])
}

fn one_of<T>(names: &[(&str, T)]) -> Validator {
    Validator::OneOf(names.iter().map(|(name, _)| name.to_string()).collect())
}

/// The one of that name, which a validator has let pass.
fn named<T: Copy>(names: &[(&str, T)], name: &str) -> Result<T> {
    let found = names.iter().find(|(known, _)| *known == name);
    found.map(|(_, one)| *one).ok_or_else(|| Error::internal(format!("no validator refused {name}")))
}

/// A field of a struct that is converted or minds null.
struct FieldStep {
    /// Reads the old field; errors speak of the new one.
    reader: FieldReader,
    /// The type to convert from, if it is the field of the configuration. One that can't be converted is an error of
    /// each record, not of the schema.
    convert: Option<Result<TimestampType>>,
}

struct Derived {
    schema: u32,
    steps: Vec<FieldStep>,
    /// The step that converts, if there is such a field.
    converting: std::ops::Range<usize>,
    /// Indexes of the fields that are not converted and mind null.
    minding: Vec<usize>,
}

impl Derived {
    fn new(schema: u32, steps: Vec<FieldStep>) -> Derived {
        let at = steps.iter().position(|step| step.convert.is_some());
        let converting = at.map_or(0..0, |at| at..at + 1);
        let minding = steps.iter().filter(|step| step.convert.is_none()).map(|step| step.reader.index).collect();
        Derived { schema, steps, converting, minding }
    }

    /// The steps that have something to do, in order.
    #[inline]
    fn steps_for(&self, parts: &[Part]) -> &[FieldStep] {
        match any_null(&self.minding, parts) {
            true => &self.steps,
            false => &self.steps[self.converting.clone()],
        }
    }
}

struct TimestampConverter {
    half: Half,
    field: String,
    replace_null: bool,
    conversion: Conversion,
    wholes: PerSchema<(u32, TimestampType)>,
    structs: PerSchema<Rc<Derived>>,
    places: Places,
    scratch: Scratch,
}

impl TimestampConverter {
    fn new(context: &Context, half: Half) -> Result<TimestampConverter> {
        let config = definition().parse(&context.config)?;
        let target = named(&TimestampType::NAMES, &config.string("target.type"))?;
        let precision = named(&Precision::NAMES, &config.string("unix.precision"))?;
        Ok(TimestampConverter {
            half,
            field: config.string("field"),
            replace_null: config.boolean("replace.null.with.default"),
            conversion: Conversion::new(target, precision, &config.string("format"))?,
            wholes: PerSchema::default(),
            structs: PerSchema::default(),
            places: Places::default(),
            scratch: Scratch::default(),
        })
    }

    fn convert_whole(&mut self, record: &mut Record<'_>, cell: Cell) -> Result<Cell> {
        let target = self.conversion.target;
        let value = record.cell(&cell);
        let (schema, source) = match cell.schema {
            NONE if value.is_null() => return Ok(cell),
            NONE => (NONE, TimestampType::of_value(value)?),
            schema => self.wholes.get(record.dict, schema, |dict, schema| {
                let source = TimestampType::of_schema(&schema)?;
                Ok((dict.intern_schema(&target.schema(schema.optional))?, source))
            })?,
        };
        if value.is_null() {
            return Ok(Cell::null(schema));
        }
        let conversion = &mut self.conversion;
        if conversion.keeps(source) && value.tag == source.tag() {
            return Ok(Cell::new(cell.off, cell.len, cell.tag(), schema));
        }
        record.arena.build(schema, |b| conversion.write(value, source, b))
    }

    fn convert_in_map(&mut self, record: &mut Record<'_>, cell: Cell) -> Result<Cell> {
        require_map(&cell, record, PURPOSE)?;
        let mut cell = record.lay_apart(&cell)?;
        let Some(place) = self.places.of(std::slice::from_ref(&self.field), &mut cell, record)[0] else {
            let missing = record.arena.name_part(&self.field)?; // It is added as null.
            return record.arena.append_parts(&cell, &[missing]);
        };
        let part = record.arena.parts(&cell)[place];
        let (value, conversion) = (part.value(record.memory, &mut self.scratch), &mut self.conversion);
        if !value.is_null() {
            let converted = TimestampType::of_value(value)
                .and_then(|source| record.arena.build(NONE, |b| conversion.write(value, source, b)))
                .map_err(|e| e.at(&self.field))?;
            record.arena.parts_mut(&cell)[place] = part.with(converted);
        }
        Ok(cell)
    }

    fn derived(&mut self, dict: &mut Dictionaries, schema: u32) -> Result<Rc<Derived>> {
        let (field, replace_null, conversion) = (&self.field, self.replace_null, &mut self.conversion);
        self.structs.get(dict, schema, |dict, schema| {
            let (new, steps) = derive(&schema, field, replace_null, conversion)?;
            Ok(Rc::new(Derived::new(dict.intern_schema(&new)?, steps)))
        })
    }

    fn convert_in_struct(&mut self, record: &mut Record<'_>, cell: Cell) -> Result<Cell> {
        if !cell.is_null() {
            require_struct(&cell, record, PURPOSE)?;
        }
        let derived = self.derived(record.dict, cell.schema)?;
        if cell.is_null() {
            return Ok(Cell::null(derived.schema));
        }
        let (cell, conversion) = (record.lay_apart(&cell)?, &mut self.conversion);
        for FieldStep { reader, convert } in derived.steps_for(record.arena.parts(&cell)) {
            let part = record.arena.parts(&cell).get(reader.index).copied().unwrap_or(Part::named(0, 0));
            let new = match convert {
                None if !part.is_null() => continue,
                None => reader.carry(part, &mut record.arena)?,
                Some(source) => {
                    let source = source.clone().map_err(|e| e.at(&reader.field.name))?;
                    let memory = record.memory;
                    let build =
                        |b: &mut Builder<'_>| write_field(reader.value(&part, memory), reader, source, conversion, b);
                    part.with(record.arena.build(NONE, build)?)
                }
            };
            if let Some(place) = record.arena.parts_mut(&cell).get_mut(reader.index) {
                *place = new;
            }
        }
        Ok(cell.under(derived.schema))
    }
}

impl Transform for TimestampConverter {
    #[inline]
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
        let cell = self.half.cell(record);
        let cell = match cell.schema {
            _ if self.field.is_empty() => self.convert_whole(record, cell)?,
            NONE if cell.is_null() => cell,
            NONE => self.convert_in_map(record, cell)?,
            _ => self.convert_in_struct(record, cell)?,
        };
        self.half.set(record, cell);
        Ok(Outcome::Keep)
    }

    fn takes_apart(&self) -> bool {
        true
    }

    fn sketch(&mut self, sketch: &mut Sketch, dict: &mut Dictionaries) -> Result<bool> {
        let CellSketch::Struct { schema, fields } = self.half.sketch(sketch) else { return Ok(false) };
        if self.field.is_empty() {
            return Ok(false);
        }
        let derived = self.derived(dict, *schema)?;
        for FieldStep { reader, convert } in &derived.steps {
            let Some(field) = fields.get_mut(reader.index) else { return Ok(false) };
            reader.sketch(field);
            let Some(source) = convert.clone().transpose()? else { continue };
            let conversion = RefCell::new((self.conversion.clone(), Stack::default()));
            let convert = move |value: ValueRef<'_>, out: &mut Vec<u8>| {
                let (conversion, stack) = &mut *conversion.borrow_mut();
                let mut b = Builder::new(out, stack);
                conversion.write(value, source, &mut b).ok().map(|()| b.tag())
            };
            if !field.compute(Rc::new(convert)) {
                return Ok(false);
            }
        }
        *schema = derived.schema;
        Ok(true)
    }
}

fn write_field(
    value: ValueRef<'_>,
    reader: &FieldReader,
    source: TimestampType,
    conversion: &mut Conversion,
    b: &mut Builder<'_>,
) -> Result<()> {
    match value.is_null() {
        true if !reader.field.schema.optional => Err(null_in_required(&reader.field)),
        true => {
            b.null();
            Ok(())
        }
        false => conversion.write(value, source, b).map_err(|e| e.at(&reader.field.name)),
    }
}

/// The schema in which the field has the new type, and how its structs are made. The field's default is gone, that of
/// the struct is converted.
fn derive(
    schema: &Schema,
    field: &str,
    replace_null: bool,
    conversion: &mut Conversion,
) -> Result<(Schema, Vec<FieldStep>)> {
    let mut new = Schema { optional: schema.optional, ..same_basics(schema) };
    let mut steps = Vec::new();
    for (i, old) in schema.fields.iter().enumerate() {
        let mut step = FieldStep { reader: FieldReader::new(schema, i, replace_null), convert: None };
        if &*old.name == field {
            let converted = conversion.target.schema(old.schema.optional);
            step.reader.field = Field { name: old.name.clone(), schema: Rc::new(converted) };
            step.convert = Some(TimestampType::of_schema(&old.schema));
        }
        add_field(&mut new, step.reader.field.clone())?;
        steps.push(step);
    }
    if let Some(default) = &schema.default {
        new.default = Some(converted(default, &steps, conversion)?);
    }
    steps.retain(|step| step.convert.is_some() || step.reader.minds_null());
    Ok((new, steps))
}

/// The default of a struct.
fn converted(default: &Value, steps: &[FieldStep], conversion: &mut Conversion) -> Result<Value> {
    let Value::Struct(_, items) = default else { return Ok(default.clone()) };
    let mut fields = Vec::new();
    for (i, FieldStep { reader, convert }) in steps.iter().enumerate() {
        let body = items.get(i).unwrap_or(&Value::Null).to_body();
        let value = reader.or_default(ValueRef::of_item(&body).unwrap_or(ValueRef::NULL));
        let (mut out, mut stack) = (Vec::new(), Default::default());
        let mut b = Builder::new(&mut out, &mut stack);
        match convert {
            Some(source) => write_field(value, reader, source.clone()?, conversion, &mut b)?,
            None if value.is_null() && !reader.field.schema.optional => return Err(null_in_required(&reader.field)),
            None => b.value(value),
        }
        let tag = b.tag();
        fields.push(Value::decode(ValueRef::new(tag, &out))?);
    }
    Ok(Value::Struct(NONE, fields))
}

#[cfg(test)]
mod tests {
    use berth_guest::schema::{DATE, TIMESTAMP};
    use berth_guest::Type;

    use super::*;
    use crate::trial::{Passed, Records};

    const MS: i64 = 1_566_570_894_346;

    fn passed(records: Records, config: &[(&str, &str)]) -> Passed {
        records.through("transform", "TimestampConverter$Value", config)
    }

    #[test]
    fn each_schema_of_a_batch_is_converted_from_its_own_type() {
        let (timestamp, unix) = (Schema::temporal(TIMESTAMP), Schema::new(Type::Int64));
        let text = Schema::new(Type::String).optional();
        let mut records = Records::default();
        records.add(Some(&timestamp), &Value::Date(MS)).add(Some(&unix), &Value::Int64(0));
        records.add(Some(&text), &Value::str("2020-02-30T00:00")).add(Some(&text), &Value::Null);
        records.add(None, &Value::Date(-1)).add(None, &Value::Null).add(Some(&timestamp), &Value::Date(1));
        let mut passed = passed(records, &[("target.type", "string"), ("format", "yyyy-MM-dd'T'HH:mm")]);
        let (required, optional) = (Schema::new(Type::String), text);
        let wanted = [
            (Some(&required), Value::str("2019-08-23T14:34")),
            (Some(&required), Value::str("1970-01-01T00:00")),
            (Some(&optional), Value::str("2020-03-01T00:00")),
            (Some(&optional), Value::Null),
            (None, Value::str("1969-12-31T23:59")),
            (None, Value::Null),
            (Some(&required), Value::str("1970-01-01T00:00")),
        ];
        for (i, (schema, value)) in wanted.into_iter().enumerate() {
            let (got, converted) = passed.value(i);
            assert_eq!((got.as_deref(), converted), (schema, value), "record {i}");
        }
    }

    #[test]
    fn what_stays_the_same_is_referred_to() {
        let named = Schema { doc: Some("doc".into()), ..Schema::temporal(DATE) };
        let mut records = Records::default();
        records.add(Some(&named), &Value::Date(0)).add(Some(&Schema::temporal(TIMESTAMP)), &Value::Date(MS));
        let mut passed = passed(records, &[("target.type", "Timestamp")]);
        assert_eq!(passed.written, 0);
        assert_eq!(passed.value(0), (Some(Rc::new(Schema::temporal(TIMESTAMP))), Value::Date(0)));
        assert_eq!(passed.value(1).1, Value::Date(MS));
    }

    #[test]
    fn a_field_is_converted_with_its_struct_and_the_default_of_that() {
        let fields = |kind: Schema| Schema::new(Type::Struct).field("t", kind).field("o", Schema::new(Type::Int8));
        let of = |time: Value| Value::Struct(NONE, vec![time, Value::Int8(1)]);
        let default = Some(of(Value::Int64(1500)));
        let schema = Schema { default, ..fields(Schema::new(Type::Int64).optional()) };
        let mut records = Records::default();
        records.add(Some(&schema), &of(Value::Int64(2000))).add(Some(&schema), &of(Value::Null));
        records.add(Some(&fields(Schema::new(Type::Int32))), &of(Value::Int32(1)));
        let mut passed =
            passed(records, &[("target.type", "unix"), ("field", "t"), ("unix.precision", "microseconds")]);
        let (got, value) = passed.value(0);
        assert_eq!(got.unwrap().default, Some(of(Value::Int64(1000))));
        assert_eq!((value, passed.value(1).1), (of(Value::Int64(2000)), of(Value::Null)));
        let message = "Schema Schema{INT32} does not correspond to a known timestamp type format";
        assert_eq!(passed.errors(), [(2, message.to_string())]);
    }

    #[test]
    fn a_zone_that_is_read_holds_for_its_record_alone() {
        let mut records = Records::default();
        records.add(None, &Value::str("2023-01-01 00:00 PST")).add(None, &Value::Date(0));
        records.add(None, &Value::str("2023-01-01 00:00 +0100")).add(None, &Value::str("2023-01-01 00:00 pdt"));
        let mut passed = passed(records, &[("target.type", "string"), ("format", "yyyy-MM-dd HH:mm z")]);
        let texts: Vec<Value> = (0..4).map(|i| passed.value(i).1).collect();
        let wanted = ["2023-01-01 00:00 PST", "1970-01-01 00:00 UTC", "2022-12-31 23:00 UTC", "2022-12-31 23:00 PST"];
        assert_eq!(texts, wanted.map(Value::str));
    }

    #[test]
    fn a_text_of_another_form_fails_its_record_alone() {
        let mut records = Records::default();
        records.add(None, &Value::str("x")).add(None, &Value::str("2020")).add(None, &Value::Boolean(true));
        let passed = passed(records, &[("target.type", "Date"), ("format", "yyyy")]);
        let class = "TimestampConverter does not support class java.lang.Boolean objects as timestamps";
        let pattern = "Could not parse timestamp: value (x) does not match pattern (yyyy)";
        assert_eq!(passed.errors(), [(0, pattern.to_string()), (2, class.to_string())]);
        assert_eq!(passed.len(), 1);
    }
}
