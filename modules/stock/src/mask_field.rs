//! MaskField: puts a fixed value of the same type in the place of fields.

use std::rc::Rc;

use berth_guest::{
    Cell, ConfigDef, ConfigKey, ConfigType, Constant, Context, Error, Importance, Make, Outcome, Part, PerSchema,
    Plugin, Record, Result, Schema, Scratch, Tag, Transform, Validator, Value, ValueRef, NONE,
};

use crate::decimal::Decimal;
use crate::field_reader::FieldReader;
use crate::fields::{replace_null_key, require_map, require_struct, Half, Places};
use crate::java_class::class_of;

const PURPOSE: &str = "mask fields";

pub fn plugins() -> Vec<Plugin> {
    let key = |context: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(MaskField::new(context, Half::Key)?)) };
    let value =
        |context: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(MaskField::new(context, Half::Value)?)) };
    let plugin = |class, make| {
        let doc = "Puts zero, an empty text or a text of choice in the place of fields.";
        Plugin::new(class, crate::KAFKA_VERSION, doc, Make::Transform(make)).config(definition())
    };
    vec![
        plugin("org.apache.kafka.connect.transforms.MaskField$Key", key).aliases(&["MaskField$Key"]),
        plugin("org.apache.kafka.connect.transforms.MaskField$Value", value).aliases(&["MaskField$Value"]),
    ]
}

fn definition() -> ConfigDef {
    let replacement = "What fields of texts and numbers get; if not set, all types get what is empty or zero for them.";
    ConfigDef::new(vec![
        ConfigKey::new("fields", ConfigType::List, "Fields to mask.")
            .importance(Importance::High)
            .validator(Validator::NonEmpty),
        ConfigKey::new("replacement", ConfigType::String, replacement)
            .null()
            .importance(Importance::Low)
            .validator(Validator::NonEmpty),
        replace_null_key(),
    ])
}

/// The masks of all types, made once.
struct Masks {
    replacement: Option<String>,
    /// By tag; `None`: no mask fits.
    masks: Vec<Option<Constant>>,
}

impl Masks {
    fn new(replacement: Option<&str>) -> Masks {
        let mut masks: Vec<Option<Constant>> = (0..=Tag::Object as usize).map(|_| None).collect();
        for mask in replacement.map_or_else(zeros, replacements) {
            masks[mask.tag() as usize] = Some(Constant::new(&mask));
        }
        Masks { replacement: replacement.map(String::from), masks }
    }

    /// What stands for `value`; null stays null.
    #[inline]
    fn mask(&mut self, value: ValueRef<'_>, record: &mut Record<'_>) -> Result<Cell> {
        let tag = match value.tag {
            Tag::Object if value.is_text() => Tag::String,
            tag => tag,
        };
        match &mut self.masks[tag as usize] {
            Some(mask) => mask.cell(record.dict, &mut record.arena),
            None if value.is_null() => Ok(Cell::NULL),
            None => Err(self.unfit(value)),
        }
    }

    fn unfit(&self, value: ValueRef<'_>) -> Error {
        let class = class_of(value);
        let Some(text) = &self.replacement else {
            return Error::data(format!("Cannot mask value of type: {class}"));
        };
        let to = match value.tag {
            Tag::Decimal | Tag::BigInt => "number",
            Tag::Int8 | Tag::Int16 | Tag::Int32 | Tag::Int64 | Tag::Float32 | Tag::Float64 => "a number",
            _ => return Error::data(format!("Cannot mask value of type {class} with custom replacement.")),
        };
        Error::data(format!("Unable to convert {text} (class java.lang.String) to {to}"))
    }
}

/// What is empty or zero, of each type that has it.
fn zeros() -> Vec<Value> {
    vec![
        Value::Int8(0),
        Value::Int16(0),
        Value::Int32(0),
        Value::Int64(0),
        Value::Float32(0.0),
        Value::Float64(0.0),
        Value::Boolean(false),
        Value::str(""),
        Value::Array(Vec::new()),
        Value::Map(Vec::new()),
        Value::Decimal(0, vec![0]),
        Value::Date(0),
        Value::BigInt(vec![0]),
    ]
}

/// The text, and the number that it is, of each type of numbers. Integers that are too large lose their upper bits.
fn replacements(text: &str) -> Vec<Value> {
    let mut masks = vec![Value::str(text)];
    if let Some(decimal) = Decimal::parse(text) {
        let (n, x) = (decimal.long_value(), decimal.double_value());
        masks.extend([Value::Int8(n as i8), Value::Int16(n as i16), Value::Int32(n as i32), Value::Int64(n)]);
        masks.extend([Value::Float32(x as f32), Value::Float64(x)]);
        if !text.contains(['.', 'e', 'E']) {
            masks.push(Value::BigInt(decimal.unscaled()));
        }
        masks.push(Value::Decimal(decimal.scale, decimal.unscaled()));
    }
    masks
}

/// A field of a struct that is masked or minds null.
struct MaybeMasked {
    from: FieldReader,
    masked: bool,
}

struct MaskField {
    half: Half,
    /// Without repetitions.
    fields: Vec<String>,
    masks: Masks,
    replace_null: bool,
    /// The fields of a schema that may change; `None`: its structs stay as they are.
    derived: PerSchema<Option<Rc<[MaybeMasked]>>>,
    places: Places,
    missing: Vec<Part>,
    /// Room for a field of the record at hand.
    scratch: Scratch,
}

impl MaskField {
    fn new(context: &Context, half: Half) -> Result<MaskField> {
        let config = definition().parse(&context.config)?;
        let mut fields: Vec<String> = Vec::new();
        for name in config.list("fields") {
            if !fields.contains(&name) {
                fields.push(name);
            }
        }
        Ok(MaskField {
            half,
            fields,
            masks: Masks::new(config.text("replacement")),
            replace_null: config.boolean("replace.null.with.default"),
            derived: PerSchema::default(),
            places: Places::default(),
            missing: Vec::new(),
            scratch: Scratch::default(),
        })
    }

    fn mask_map(&mut self, record: &mut Record<'_>, cell: Cell) -> Result<()> {
        require_map(&cell, record, PURPOSE)?;
        let mut cell = record.lay_apart(&cell)?;
        self.missing.clear();
        for (i, place) in self.places.of(&self.fields, &mut cell, record).iter().enumerate() {
            let Some(place) = *place else {
                self.missing.push(record.arena.name_part(&self.fields[i])?); // It is added as null.
                continue;
            };
            let part = record.arena.parts(&cell)[place];
            let mask = self.masks.mask(part.value(record.memory, &mut self.scratch), record);
            let mask = mask.map_err(|e| e.at(&self.fields[i]))?;
            record.arena.parts_mut(&cell)[place] = part.with(mask);
        }
        if !self.missing.is_empty() {
            cell = record.arena.append_parts(&cell, &self.missing)?;
        }
        self.half.set(record, cell);
        Ok(())
    }

    fn mask_struct(&mut self, record: &mut Record<'_>, cell: Cell) -> Result<()> {
        require_struct(&cell, record, PURPOSE)?;
        let (names, replace_null) = (&self.fields, self.replace_null);
        let derived =
            self.derived.get(record.dict, cell.schema, |_, schema| Ok(derive(names, &schema, replace_null)))?;
        let Some(fields) = derived else { return Ok(()) };
        let cell = record.lay_apart(&cell)?;
        for MaybeMasked { from, masked } in fields.iter() {
            let part = from.part(&cell, record);
            if !*masked && !part.is_null() {
                continue;
            }
            let mut new = from.carry(part, &mut record.arena)?;
            if *masked {
                let mask = self.masks.mask(from.value(&part, record.memory), record);
                new = part.with(mask.map_err(|e| e.at(&from.field.name))?);
            }
            if let Some(place) = record.arena.parts_mut(&cell).get_mut(from.index) {
                *place = new;
            }
        }
        self.half.set(record, cell);
        Ok(())
    }
}

/// `None` if no field is to be masked and no default may change any.
fn derive(names: &[String], schema: &Schema, replace_null: bool) -> Option<Rc<[MaybeMasked]>> {
    let maybe_masked = |from: FieldReader| {
        let masked = names.iter().any(|name| **name == *from.field.name);
        MaybeMasked { from, masked }
    };
    let fields: Vec<MaybeMasked> = FieldReader::all(schema, replace_null).map(maybe_masked).collect();
    let touched = fields.iter().any(|field| field.masked || field.from.field.schema.default.is_some());
    let changes = |field: &MaybeMasked| field.masked || field.from.minds_null();
    touched.then(|| fields.into_iter().filter(changes).collect())
}

impl Transform for MaskField {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
        let cell = self.half.cell(record);
        match cell.schema {
            NONE => self.mask_map(record, cell)?,
            _ => self.mask_struct(record, cell)?,
        }
        Ok(Outcome::Keep)
    }

    fn takes_apart(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use berth_guest::Type;

    use super::*;
    use crate::trial::Records;

    fn card() -> Schema {
        let number = Schema::new(Type::Int64).optional();
        Schema::new(Type::Struct).field("name", Schema::new(Type::String)).field("number", number)
    }

    fn of_card(name: &str, number: Value) -> Value {
        Value::Struct(NONE, vec![Value::str(name), number])
    }

    #[test]
    fn records_of_several_schemas_are_masked_each_in_its_own_fields() {
        let other = Schema::new(Type::Struct).field("x", Schema::new(Type::Int32));
        let mut records = Records::default();
        for i in 0..3 {
            records.add(Some(&card()), &of_card("Ann", Value::Int64(i)));
            records.add(Some(&card()), &of_card("Bob", Value::Null));
            records.add(None, &Value::map([("x", Value::Int32(1)), ("number", Value::str("4711"))]));
            records.add(Some(&other), &Value::Struct(NONE, vec![Value::Int32(9)]));
            records.add(Some(&card()), &Value::Null);
            records.add(None, &Value::map([("number", Value::Boolean(true))]));
        }
        let config = [("fields", "number,number"), ("replacement", "-1")];
        let mut passed = records.through("transform", "MaskField$Value", &config);
        for i in (0..3).map(|i| 4 * i) {
            assert_eq!(passed.value(i), (Some(Rc::new(card())), of_card("Ann", Value::Int64(-1))));
            assert_eq!(passed.value(i + 1).1, of_card("Bob", Value::Null));
            let masked = Value::map([("x", Value::Int32(1)), ("number", Value::str("-1"))]);
            assert_eq!(passed.value(i + 2), (None, masked));
            assert_eq!(passed.value(i + 3), (Some(Rc::new(other.clone())), Value::Struct(NONE, vec![Value::Int32(9)])));
        }
        let errors = passed.errors();
        assert_eq!(errors.iter().map(|(record, _)| *record).collect::<Vec<_>>(), [4, 5, 10, 11, 16, 17]);
        assert_eq!(errors[0].1, "Only Struct objects supported for [mask fields], found: null");
        assert_eq!(errors[1].1, "Cannot mask value of type class java.lang.Boolean with custom replacement.");
    }

    #[test]
    fn structs_without_a_field_to_mask_are_not_written_again() {
        let mut records = Records::default();
        for i in 0..10 {
            records.add(Some(&card()), &of_card("Ann", Value::Int64(i)));
        }
        let mut passed = records.through("transform", "MaskField$Value", &[("fields", "password")]);
        assert_eq!(passed.written, 0);
        assert_eq!(passed.value(9), (Some(Rc::new(card())), of_card("Ann", Value::Int64(9))));
    }

    #[test]
    fn replacements_are_narrowed_as_in_java() {
        let masks = |text: &str| {
            let mut values = replacements(text);
            values.remove(0);
            values
        };
        let numbers = |a, b, c, d, e, f| {
            vec![
                Value::Int8(a),
                Value::Int16(b),
                Value::Int32(c),
                Value::Int64(d),
                Value::Float32(e),
                Value::Float64(f),
            ]
        };
        assert_eq!(masks("128")[..6], numbers(-128, 128, 128, 128, 128.0, 128.0));
        assert_eq!(masks("-1.99")[..6], numbers(-1, -1, -1, -1, -1.99, -1.99));
        assert_eq!(
            masks("18446744073709551617")[..6],
            numbers(1, 1, 1, 1, 18446744073709551617.0, 18446744073709551617.0)
        );
        assert_eq!(masks("1e400")[..6], numbers(0, 0, 0, 0, f32::INFINITY, f64::INFINITY));
        assert_eq!(masks("1.0").len(), 7);
        assert_eq!(masks("10")[6..], [Value::BigInt(vec![10]), Value::Decimal(0, vec![10])]);
        assert_eq!(masks("1f"), []);
    }
}
