//! Values of the ABI written as Avro's binary encoding.

use std::rc::Rc;

use berth_guest::schema::{DATE, DECIMAL, TIME, TIMESTAMP};
use berth_guest::{Error, Result, Schema, Tag, Type, Value, ValueRef};

use super::names::*;
use super::schema::{Avro, Field, Kind};
use super::to_connect::{is_map_entry, member_name, translate, DAY_MS};
use super::Options;

/// How a value of a Connect schema is written in an Avro schema; made once for both.
#[derive(Clone, Debug)]
pub struct Write {
    step: Step,
    /// Written where the value is null: payload and tag of the Connect schema's default.
    default: Option<(Tag, Vec<u8>)>,
    /// Connect's text for the schema, for messages.
    what: Rc<str>,
}

#[derive(Clone, Debug)]
enum Step {
    Int,
    Long,
    Float,
    Double,
    Boolean,
    Bytes,
    String,
    Fixed(usize),
    Enum(Vec<String>),
    Decimal {
        scale: i32,
        size: Option<usize>,
    },
    Date,
    Time,
    Timestamp,
    Array(Box<Write>),
    Map(Box<Write>),
    Entries(Box<(Write, Write)>),
    /// Indices of null and of the other member.
    Optional {
        null: i64,
        some: i64,
        of: Box<Write>,
    },
    /// A union's member that is always the same one.
    Member(i64, Box<Write>),
    /// For each field of the struct its member; `null` is the index of null, if there is one.
    Union {
        null: Option<i64>,
        members: Vec<(i64, Write)>,
    },
    /// How many fields the struct has, and what each field of the record is made of.
    Record(usize, Vec<Source>),
}

/// Where a record's field comes from.
#[derive(Clone, Debug)]
enum Source {
    Field(usize, Rc<str>, Write),
    /// The Avro schema's default, encoded.
    Default(Vec<u8>),
}

/// Plans the writing of `connect` as `avro`.
pub fn plan(connect: &Schema, avro: &Avro, options: Options) -> Result<Write> {
    let what: Rc<str> = connect.describe().into();
    let step = match &avro.kind {
        Kind::Union(members) => union(connect, members, options)?,
        _ => step(connect, avro, options)?,
    };
    let default = connect.default.as_ref().filter(|_| !(connect.optional && options.null_over_default));
    let default = default.map(|value| {
        let mut payload = Vec::new();
        value.encode(&mut payload);
        (value.tag(), payload)
    });
    Ok(Write { step, default, what })
}

fn mismatch(connect: &Schema, avro: &Avro) -> Error {
    Error::data(format!(
        "{} can't be written as Avro {}: the schema that the registry holds does not fit the record's",
        connect.describe(),
        avro.type_name()
    ))
}

fn step(connect: &Schema, avro: &Avro, options: Options) -> Result<Step> {
    let logical = connect.name();
    Ok(match (&avro.kind, connect.kind) {
        (Kind::Int, Type::Int32) if logical == Some(DATE) => Step::Date,
        (Kind::Int, Type::Int32) if logical == Some(TIME) => Step::Time,
        (Kind::Long, Type::Int64) if logical == Some(TIMESTAMP) => Step::Timestamp,
        (Kind::Int, Type::Int8 | Type::Int16 | Type::Int32) => Step::Int,
        (Kind::Long, Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64) => Step::Long,
        (Kind::Float, Type::Float32) => Step::Float,
        (Kind::Double, Type::Float32 | Type::Float64) => Step::Double,
        (Kind::Boolean, Type::Boolean) => Step::Boolean,
        (Kind::Bytes, Type::Bytes) if logical == Some(DECIMAL) => Step::Decimal { scale: scale(connect), size: None },
        (Kind::Fixed(size), Type::Bytes) if logical == Some(DECIMAL) => {
            Step::Decimal { scale: scale(connect), size: Some(*size) }
        }
        (Kind::Bytes, Type::Bytes | Type::String) => Step::Bytes,
        (Kind::String, Type::String) => Step::String,
        (Kind::Fixed(size), Type::Bytes) => Step::Fixed(*size),
        (Kind::Enum(symbols), Type::String) => Step::Enum(symbols.clone()),
        (Kind::Array(items), Type::Array) => Step::Array(Box::new(child(&connect.element, items, connect, options)?)),
        (Kind::Map(values), Type::Map) => Step::Map(Box::new(child(&connect.element, values, connect, options)?)),
        (Kind::Array(items), Type::Map) if is_map_entry(items) => entries(connect, items, options)?,
        (Kind::Record(fields), Type::Struct) => record(connect, fields, options)?,
        _ => return Err(mismatch(connect, avro)),
    })
}

fn scale(connect: &Schema) -> i32 {
    connect.parameter("scale").and_then(|scale| scale.parse().ok()).unwrap_or(0)
}

fn child(schema: &Option<Rc<Schema>>, avro: &Avro, of: &Schema, options: Options) -> Result<Write> {
    plan(schema.as_deref().ok_or_else(|| mismatch(of, avro))?, avro, options)
}

fn entries(connect: &Schema, items: &Avro, options: Options) -> Result<Step> {
    let Kind::Record(fields) = &items.kind else { return Err(mismatch(connect, items)) };
    let [key, value] = &fields[..] else { return Err(mismatch(connect, items)) };
    let key = child(&connect.key, &key.schema, connect, options)?;
    let value = child(&connect.element, &value.schema, connect, options)?;
    Ok(Step::Entries(Box::new((key, value))))
}

fn record(connect: &Schema, fields: &[Field], options: Options) -> Result<Step> {
    let own = |f: &berth_guest::Field| match options.scrub {
        true => scrub(&f.name.replace('.', "_")),
        false => f.name.to_string(),
    };
    let names: Vec<String> = connect.fields.iter().map(own).collect();
    let mut sources = Vec::new();
    for field in fields {
        let at = names.iter().position(|name| *name == field.name || field.aliases.contains(name));
        sources.push(match at {
            Some(i) => {
                let plan = plan(&connect.fields[i].schema, &field.schema, options).map_err(|mut error| {
                    error.message = format!("field {}: {}", field.name, error.message);
                    error
                })?;
                Source::Field(i, field.name.as_str().into(), plan)
            }
            None => Source::Default(encoded_default(connect, field, options)?),
        });
    }
    Ok(Step::Record(connect.fields.len(), sources))
}

/// Bytes for a field of the Avro schema that the record does not have.
fn encoded_default(connect: &Schema, field: &Field, options: Options) -> Result<Vec<u8>> {
    let Some(default) = &field.default else {
        return Err(Error::data(format!(
            "{} has no field {}, which the schema in the registry wants and has no default for",
            connect.describe(),
            field.name
        )));
    };
    let translated = translate(&Avro { kind: Kind::Record(vec![field.clone()]), ..Avro::plain(Kind::Null) }, options)?;
    let made = &translated.schema.fields[0].schema;
    let write = plan(made, &field.schema, options)?;
    let mut out = Vec::new();
    let null = Value::Null;
    let value = if default.is_null() { &null } else { made.default.as_ref().unwrap_or(&null) };
    let mut payload = Vec::new();
    value.encode(&mut payload);
    write.value(ValueRef::new(value.tag(), &payload), &mut out)?;
    Ok(out)
}

fn union(connect: &Schema, members: &[Rc<Avro>], options: Options) -> Result<Step> {
    let null = members.iter().position(|m| m.kind == Kind::Null).map(|i| i as i64);
    if connect.kind == Type::Struct && connect.name() == Some(UNION) {
        let mut planned = Vec::new();
        for field in &connect.fields {
            let at =
                members.iter().position(|m| member_name(m, options) == &*field.name || m.type_name() == &*field.name);
            let at =
                at.ok_or_else(|| Error::data(format!("the union in the registry has no member {}", field.name)))?;
            planned.push((at as i64, plan(&field.schema, &members[at], options)?));
        }
        return Ok(Step::Union { null, members: planned });
    }
    let mut last = Error::data("a union without members");
    for (i, member) in members.iter().enumerate() {
        if member.kind == Kind::Null {
            continue;
        }
        let required = Schema { optional: false, ..connect.clone() };
        match plan(&required, member, options) {
            Ok(of) => {
                return Ok(match null {
                    Some(null) => Step::Optional { null, some: i as i64, of: Box::new(of) },
                    None => Step::Member(i as i64, Box::new(of)),
                })
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A number of 1 to 10 bytes, zigzag.
#[inline]
pub fn put_long(n: i64, out: &mut Vec<u8>) {
    let mut n = ((n << 1) ^ (n >> 63)) as u64;
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn put_sized(bytes: &[u8], out: &mut Vec<u8>) {
    put_long(bytes.len() as i64, out);
    out.extend_from_slice(bytes);
}

impl Write {
    /// Appends a value.
    pub fn value(&self, value: ValueRef<'_>, out: &mut Vec<u8>) -> Result<()> {
        if value.is_null() {
            return self.null(out);
        }
        match &self.step {
            Step::Int | Step::Long => put_long(self.int(value)?, out),
            Step::Float => out.extend_from_slice(self.of(value, Tag::Float32)?),
            Step::Double if value.tag == Tag::Float32 => {
                out.extend_from_slice(&f64::from(value.float32().unwrap_or_default()).to_le_bytes());
            }
            Step::Double => out.extend_from_slice(self.of(value, Tag::Float64)?),
            Step::Boolean => out.extend_from_slice(self.of(value, Tag::Boolean)?),
            Step::String => put_sized(&value.utf8_of_java().ok_or_else(|| self.wrong(value))?, out),
            Step::Bytes if value.is_text() => put_sized(&value.utf8_of_java().unwrap_or_default(), out),
            Step::Bytes => put_sized(self.of(value, Tag::Bytes)?, out),
            Step::Fixed(size) => out.extend_from_slice(self.fixed(value, *size)?),
            Step::Enum(symbols) => put_long(self.symbol(value, symbols)?, out),
            Step::Decimal { scale, size } => self.decimal(value, *scale, *size, out)?,
            Step::Date => put_long(self.days(value)?, out),
            Step::Time | Step::Timestamp => put_long(self.milliseconds(value)?, out),
            Step::Optional { some, of, .. } | Step::Member(some, of) => {
                put_long(*some, out);
                of.value(value, out)?;
            }
            _ => self.container(value, out)?,
        }
        Ok(())
    }

    fn null(&self, out: &mut Vec<u8>) -> Result<()> {
        if let Some((tag, payload)) = &self.default {
            return self.value(ValueRef::new(*tag, payload), out);
        }
        match &self.step {
            Step::Optional { null, .. } | Step::Union { null: Some(null), .. } => {
                put_long(*null, out);
                Ok(())
            }
            _ => Err(Error::data(format!("Invalid value: null used for required field of {}", self.what))),
        }
    }

    #[cold]
    fn wrong(&self, value: ValueRef<'_>) -> Error {
        Error::data(format!("Invalid Java object for schema: a value of class {:?} for {}", value.tag, self.what))
    }

    #[inline]
    fn of<'v>(&self, value: ValueRef<'v>, tag: Tag) -> Result<&'v [u8]> {
        if value.tag == tag {
            return Ok(value.payload);
        }
        Err(self.wrong(value))
    }

    fn int(&self, value: ValueRef<'_>) -> Result<i64> {
        match value.tag {
            Tag::Int8 | Tag::Int16 | Tag::Int32 => value.int().ok_or_else(|| self.wrong(value)),
            Tag::Int64 if matches!(self.step, Step::Long) => value.int().ok_or_else(|| self.wrong(value)),
            _ => Err(self.wrong(value)),
        }
    }

    fn milliseconds(&self, value: ValueRef<'_>) -> Result<i64> {
        match value.tag {
            Tag::Date => value.int().ok_or_else(|| self.wrong(value)),
            _ => Err(self.wrong(value)),
        }
    }

    fn days(&self, value: ValueRef<'_>) -> Result<i64> {
        let ms = self.milliseconds(value)?;
        if ms % DAY_MS != 0 {
            return Err(Error::data(format!(
                "a Date must be a midnight, {ms} ms since 1970 is none: use Timestamp, or TimestampConverter"
            )));
        }
        Ok(ms / DAY_MS)
    }

    fn fixed<'v>(&self, value: ValueRef<'v>, size: usize) -> Result<&'v [u8]> {
        let bytes = self.of(value, Tag::Bytes)?;
        if bytes.len() != size {
            return Err(Error::data(format!("{} bytes for an Avro fixed of {size}", bytes.len())));
        }
        Ok(bytes)
    }

    fn symbol(&self, value: ValueRef<'_>, symbols: &[String]) -> Result<i64> {
        let text = value.to_text().ok_or_else(|| self.wrong(value))?;
        match symbols.iter().position(|symbol| *symbol == text) {
            Some(i) => Ok(i as i64),
            None => Err(Error::data(format!("{text} is none of the enum's symbols: {}", symbols.join(", ")))),
        }
    }

    fn decimal(&self, value: ValueRef<'_>, scale: i32, size: Option<usize>, out: &mut Vec<u8>) -> Result<()> {
        let (own, unscaled) = value.decimal().ok_or_else(|| self.wrong(value))?;
        if own != scale {
            return Err(Error::data(format!(
                "BigDecimal has mismatching scale value for given Decimal schema: {own}, and the schema has {scale}"
            )));
        }
        match size {
            None => put_sized(unscaled, out),
            Some(size) if unscaled.len() <= size => {
                let sign = if unscaled.first().is_some_and(|first| *first >= 0x80) { 0xFF } else { 0 };
                out.resize(out.len() + size - unscaled.len(), sign);
                out.extend_from_slice(unscaled);
            }
            Some(size) => {
                return Err(Error::data(format!("a decimal of {} bytes for an Avro fixed of {size}", unscaled.len())))
            }
        }
        Ok(())
    }

    fn container(&self, value: ValueRef<'_>, out: &mut Vec<u8>) -> Result<()> {
        match &self.step {
            Step::Record(width, fields) => self.record(value, *width, fields, out),
            Step::Union { members, .. } => self.union(value, members, out),
            Step::Array(items) => {
                self.of(value, Tag::Array)?;
                self.block(value.len(), out);
                for item in value.items() {
                    items.value(item, out)?;
                }
                out.push(0);
                Ok(())
            }
            Step::Map(values) => {
                self.of(value, Tag::Map)?;
                self.block(value.len(), out);
                for (key, item) in value.entries() {
                    put_sized(&key.utf8_of_java().ok_or_else(|| self.wrong(key))?, out);
                    values.value(item, out)?;
                }
                out.push(0);
                Ok(())
            }
            Step::Entries(entry) => {
                self.of(value, Tag::Map)?;
                self.block(value.len(), out);
                for (key, item) in value.entries() {
                    entry.0.value(key, out)?;
                    entry.1.value(item, out)?;
                }
                out.push(0);
                Ok(())
            }
            _ => Err(self.wrong(value)),
        }
    }

    /// All items are one block; without items there is none.
    fn block(&self, count: usize, out: &mut Vec<u8>) {
        if count > 0 {
            put_long(count as i64, out);
        }
    }

    fn record(&self, value: ValueRef<'_>, width: usize, fields: &[Source], out: &mut Vec<u8>) -> Result<()> {
        self.of(value, Tag::Struct)?;
        if value.len() != width {
            return Err(Error::data(format!("a struct of {} fields for {} of {width}", value.len(), self.what)));
        }
        let items = value.items();
        for field in fields {
            match field {
                Source::Default(bytes) => out.extend_from_slice(bytes),
                Source::Field(i, name, plan) => {
                    let item = items.get(*i).ok_or_else(|| self.wrong(value))?;
                    plan.value(item, out).map_err(|mut error| {
                        error.message = format!("field {name}: {}", error.message);
                        error
                    })?;
                }
            }
        }
        Ok(())
    }

    fn union(&self, value: ValueRef<'_>, members: &[(i64, Write)], out: &mut Vec<u8>) -> Result<()> {
        self.of(value, Tag::Struct)?;
        for (item, (index, plan)) in value.items().zip(members) {
            if !item.is_null() {
                put_long(*index, out);
                return plan.value(item, out);
            }
        }
        self.null(out)
    }
}
