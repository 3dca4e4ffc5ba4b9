//! Protobuf's binary encoding as values of the ABI.

use std::collections::HashMap;

use berth_guest::{Builder, Error, Result, Tag, NONE};

use crate::avro::to_connect::shortest;
use crate::days::days_of;

/// How a type is read; made once per schema.
#[derive(Clone, Debug)]
pub enum Read {
    Scalar(Scalar),
    /// Number and name of each symbol.
    Enum(Vec<(i32, String)>),
    Message(Message),
    Decimal(i32),
    Date,
    Time,
    Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar {
    /// Int32 that Connect noted as a narrower one.
    Int8,
    Int16,
    Int32,
    Sint32,
    Sfixed32,
    Uint32,
    Fixed32,
    Int64,
    Sint64,
    Fixed64,
    Float,
    Double,
    Bool,
    String,
    Bytes,
}

/// The fields of a struct, and for each number the slot that it goes to.
#[derive(Clone, Debug)]
pub struct Message {
    fields: Vec<ReadField>,
    slots: HashMap<u32, usize>,
}

#[derive(Clone, Debug)]
pub enum ReadField {
    /// `presence`: absent is null and not the type's zero.
    Singular {
        number: u32,
        read: Read,
        presence: bool,
    },
    Repeated {
        number: u32,
        read: Read,
    },
    Map {
        number: u32,
        entry: Box<(Read, Read)>,
    },
    /// A struct with the fields of a `oneof`.
    OneOf(Vec<ReadField>),
}

impl ReadField {
    fn numbers(&self) -> Vec<u32> {
        match self {
            ReadField::Singular { number, .. } | ReadField::Repeated { number, .. } | ReadField::Map { number, .. } => {
                vec![*number]
            }
            ReadField::OneOf(members) => members.iter().flat_map(ReadField::numbers).collect(),
        }
    }
}

/// A value as it stands on the wire.
#[derive(Clone, Copy, Debug)]
enum Wire<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

/// Deeper messages are refused, in data as in schemas.
const DEPTH: usize = 60;

/// Reads a message that fills `bytes`.
pub fn read(plan: &Read, bytes: &[u8], out: &mut Builder<'_>) -> Result<()> {
    plan.value(Wire::Bytes(bytes), 0, out)
}

#[cold]
fn broken(what: impl std::fmt::Display) -> Error {
    Error::data(format!("the value does not fit its Protobuf schema: {what}; whoever wrote it used another schema"))
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(n).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| broken(format!("{n} bytes at byte {} of {}", self.at, self.bytes.len())))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    fn varint(&mut self) -> Result<u64> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            n |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(n);
            }
        }
        Err(broken(format!("a number of more than 10 bytes before byte {}", self.at)))
    }

    /// The next field: its number and value; groups are passed over.
    fn field(&mut self) -> Result<Option<(u32, Wire<'a>)>> {
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).map_err(|_| broken(format!("field {}", key >> 3)))?;
        Ok(Some((
            number,
            match key & 7 {
                0 => Wire::Varint(self.varint()?),
                1 => Wire::Fixed64(self.fixed()?),
                2 => {
                    let n = self.varint()?;
                    Wire::Bytes(self.take(usize::try_from(n).unwrap_or(usize::MAX))?)
                }
                5 => Wire::Fixed32(self.fixed()?),
                other => return Err(broken(format!("wire type {other} of field {number} before byte {}", self.at))),
            },
        )))
    }
}

impl Read {
    pub fn message(fields: Vec<ReadField>) -> Read {
        let mut slots = HashMap::new();
        for (i, field) in fields.iter().enumerate() {
            slots.extend(field.numbers().into_iter().map(|number| (number, i)));
        }
        Read::Message(Message { fields, slots })
    }

    fn value(&self, wire: Wire<'_>, depth: usize, out: &mut Builder<'_>) -> Result<()> {
        match (self, wire) {
            (Read::Scalar(scalar), _) => scalar.value(wire, out),
            (Read::Enum(values), Wire::Varint(n)) => {
                match values.iter().find(|(number, _)| *number == n as i32) {
                    Some((_, name)) => out.str(name),
                    None => out.str(&format!("UNKNOWN_{}", n as i32)),
                }
                Ok(())
            }
            (Read::Message(message), Wire::Bytes(bytes)) => message.value(bytes, depth, out),
            (Read::Decimal(scale), Wire::Bytes(bytes)) => decimal(bytes, *scale, out),
            (Read::Date, Wire::Bytes(bytes)) => {
                let [year, month, day] = numbers(bytes)?;
                out.date(
                    days_of(year, month, day).ok_or_else(|| broken(format!("date {year}-{month}-{day}")))? * 86_400_000,
                );
                Ok(())
            }
            (Read::Time, Wire::Bytes(bytes)) => {
                let [hours, minutes, seconds, nanos] = numbers(bytes)?;
                out.date(((hours * 60 + minutes) * 60 + seconds) * 1000 + nanos / 1_000_000);
                Ok(())
            }
            (Read::Timestamp, Wire::Bytes(bytes)) => {
                let [seconds, nanos] = numbers(bytes)?;
                let ms = seconds.checked_mul(1000).and_then(|ms| ms.checked_add(nanos / 1_000_000));
                out.date(ms.ok_or_else(|| broken(format!("instant {seconds} s")))?);
                Ok(())
            }
            _ => Err(broken(format!("a field of wire type {wire:?}"))),
        }
    }

    /// What stands for a field that is not there.
    fn absent(&self, out: &mut Builder<'_>) {
        match self {
            Read::Scalar(Scalar::String) => out.str(""),
            Read::Scalar(Scalar::Bytes) => out.bytes(&[]),
            Read::Scalar(Scalar::Bool) => out.boolean(false),
            Read::Scalar(Scalar::Float) => out.f32(0.0),
            Read::Scalar(Scalar::Double) => out.f64(0.0),
            Read::Scalar(Scalar::Int8) => out.i8(0),
            Read::Scalar(Scalar::Int16) => out.i16(0),
            Read::Scalar(Scalar::Int32 | Scalar::Sint32 | Scalar::Sfixed32) => out.i32(0),
            Read::Scalar(_) => out.i64(0),
            Read::Enum(values) => out.str(values.iter().find(|(n, _)| *n == 0).map_or("", |(_, name)| name)),
            _ => out.null(),
        }
    }
}

impl Scalar {
    fn value(self, wire: Wire<'_>, out: &mut Builder<'_>) -> Result<()> {
        match (self, wire) {
            (Scalar::Int8, Wire::Varint(n)) => out.i8(n as i8),
            (Scalar::Int16, Wire::Varint(n)) => out.i16(n as i16),
            (Scalar::Int32, Wire::Varint(n)) => out.i32(n as i32),
            (Scalar::Sint32, Wire::Varint(n)) => out.i32(zigzag(n) as i32),
            (Scalar::Uint32, Wire::Varint(n)) => out.i64(i64::from(n as u32)),
            (Scalar::Int64, Wire::Varint(n)) => out.i64(n as i64),
            (Scalar::Sint64, Wire::Varint(n)) => out.i64(zigzag(n)),
            (Scalar::Bool, Wire::Varint(n)) => out.boolean(n != 0),
            (Scalar::Sfixed32, Wire::Fixed32(b)) => out.i32(i32::from_le_bytes(b)),
            (Scalar::Fixed32, Wire::Fixed32(b)) => out.i64(i64::from(u32::from_le_bytes(b))),
            (Scalar::Float, Wire::Fixed32(b)) => out.f32(f32::from_le_bytes(b)),
            (Scalar::Fixed64, Wire::Fixed64(b)) => out.i64(i64::from_le_bytes(b)),
            (Scalar::Double, Wire::Fixed64(b)) => out.f64(f64::from_le_bytes(b)),
            (Scalar::Bytes, Wire::Bytes(bytes)) => out.bytes(bytes),
            (Scalar::String, Wire::Bytes(bytes)) => {
                out.str(std::str::from_utf8(bytes).map_err(|e| broken(format!("a text is not UTF-8: {e}")))?);
            }
            _ => return Err(broken(format!("{wire:?} for {self:?}"))),
        }
        Ok(())
    }

    /// Takes the next one of packed values.
    fn unpack<'a>(self, input: &mut Input<'a>) -> Result<Wire<'a>> {
        Ok(match self {
            Scalar::Sfixed32 | Scalar::Fixed32 | Scalar::Float => Wire::Fixed32(input.fixed()?),
            Scalar::Fixed64 | Scalar::Double => Wire::Fixed64(input.fixed()?),
            _ => Wire::Varint(input.varint()?),
        })
    }
}

fn zigzag(n: u64) -> i64 {
    (n >> 1) as i64 ^ -((n & 1) as i64)
}

/// Fields 1 to N of a message of integers.
fn numbers<const N: usize>(bytes: &[u8]) -> Result<[i64; N]> {
    let (mut input, mut out) = (Input { bytes, at: 0 }, [0; N]);
    while let Some((number, wire)) = input.field()? {
        if let (Wire::Varint(n), Some(slot)) = (wire, out.get_mut((number as usize).wrapping_sub(1))) {
            *slot = n as i64;
        }
    }
    Ok(out)
}

/// `value` 1, `scale` 3: the value's own scale must be the schema's.
fn decimal(bytes: &[u8], scale: i32, out: &mut Builder<'_>) -> Result<()> {
    let (mut input, mut unscaled, mut own) = (Input { bytes, at: 0 }, &[][..], 0);
    while let Some((number, wire)) = input.field()? {
        match (number, wire) {
            (1, Wire::Bytes(bytes)) => unscaled = bytes,
            (3, Wire::Varint(n)) => own = n as i32,
            _ => {}
        }
    }
    if own != scale {
        return Err(broken(format!("a decimal of scale {own}, and the schema has {scale}")));
    }
    out.decimal(scale, shortest(unscaled));
    Ok(())
}

impl Message {
    fn value(&self, bytes: &[u8], depth: usize, out: &mut Builder<'_>) -> Result<()> {
        if depth > DEPTH {
            return Err(broken(format!("messages in more than {DEPTH} levels")));
        }
        let mut given: Vec<Vec<(u32, Wire<'_>)>> = vec![Vec::new(); self.fields.len()];
        let mut input = Input { bytes, at: 0 };
        while let Some((number, wire)) = input.field()? {
            if let Some(slot) = self.slots.get(&number) {
                given[*slot].push((number, wire));
            }
        }
        out.open(Tag::Struct);
        for (field, given) in self.fields.iter().zip(&given) {
            field.value(given, depth, out)?;
        }
        out.close_struct(NONE);
        Ok(())
    }
}

impl ReadField {
    fn value(&self, given: &[(u32, Wire<'_>)], depth: usize, out: &mut Builder<'_>) -> Result<()> {
        match self {
            ReadField::Singular { read, presence, .. } => match given.last() {
                Some((_, wire)) => read.value(*wire, depth + 1, out)?,
                None if *presence => out.null(),
                None => read.absent(out),
            },
            ReadField::Repeated { read, .. } => {
                out.open(Tag::Array);
                for (_, wire) in given {
                    repeated(read, *wire, depth, out)?;
                }
                out.close_array();
            }
            ReadField::Map { entry, .. } => {
                out.open(Tag::Map);
                for (_, wire) in given {
                    map_entry(entry, *wire, depth, out)?;
                }
                out.close_map();
            }
            ReadField::OneOf(members) => {
                let Some((number, wire)) = given.last() else {
                    out.null();
                    return Ok(());
                };
                out.open(Tag::Struct);
                for member in members {
                    match member {
                        ReadField::Singular { number: own, read, .. } if own == number => {
                            read.value(*wire, depth + 1, out)?;
                        }
                        _ => out.null(),
                    }
                }
                out.close_struct(NONE);
            }
        }
        Ok(())
    }
}

/// Numbers may be packed, each way whatever the schema says.
fn repeated(read: &Read, wire: Wire<'_>, depth: usize, out: &mut Builder<'_>) -> Result<()> {
    let scalar = match read {
        Read::Scalar(scalar) if !matches!(scalar, Scalar::String | Scalar::Bytes) => *scalar,
        Read::Enum(_) => Scalar::Int32,
        _ => return read.value(wire, depth + 1, out),
    };
    let Wire::Bytes(bytes) = wire else { return read.value(wire, depth + 1, out) };
    let mut input = Input { bytes, at: 0 };
    while input.at < bytes.len() {
        let wire = scalar.unpack(&mut input)?;
        read.value(wire, depth + 1, out)?;
    }
    Ok(())
}

fn map_entry(entry: &(Read, Read), wire: Wire<'_>, depth: usize, out: &mut Builder<'_>) -> Result<()> {
    let Wire::Bytes(bytes) = wire else { return Err(broken("an entry of a map is no message")) };
    let (mut input, mut key, mut value) = (Input { bytes, at: 0 }, None, None);
    while let Some((number, wire)) = input.field()? {
        match number {
            1 => key = Some(wire),
            2 => value = Some(wire),
            _ => {}
        }
    }
    for (read, wire) in [(&entry.0, key), (&entry.1, value)] {
        match wire {
            Some(wire) => read.value(wire, depth + 1, out)?,
            None => read.absent(out),
        }
    }
    Ok(())
}
