//! The kit's transforms, its predicate and its converter.

use berth_guest::{
    Cell, CellOut, ConfigDef, ConfigKey, ConfigType, Context, Converter, Error, Make, Outcome, Plugin, Predicate,
    Record, Result, State, Tag, Transform, ValueRef, NONE,
};

pub fn upper() -> Plugin {
    let new = |_: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(Upper)) };
    Plugin::new("kit.Upper", "1.0.0", "Makes text upper case.", Make::Transform(new))
}

struct Upper;

impl Transform for Upper {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
        let value = record.value();
        if value.tag == Tag::String {
            record.entry.value = record.arena.write(Tag::String, record.entry.value.schema, |out| {
                out.extend(value.payload.iter().map(u8::to_ascii_uppercase));
                Ok(())
            })?;
        }
        Ok(Outcome::Keep)
    }
}

pub fn explode() -> Plugin {
    let new = |_: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(Explode)) };
    Plugin::new("kit.Explode", "1.0.0", "Makes one record of each item.", Make::Transform(new))
}

struct Explode;

impl Transform for Explode {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
        let value = record.value();
        if value.tag != Tag::Array {
            return Ok(Outcome::Keep);
        }
        let array = record.entry.value;
        let schema = match record.schema(&array)?.and_then(|s| s.element.clone()) {
            Some(element) => record.dict.intern_schema(&element)?,
            None => NONE,
        };
        // Items lie in the array's payload, so a record's value is a range of it.
        let mut start = 0;
        for item in value.items() {
            let mut entry = *record.entry;
            let payload = array.off + start + 1;
            entry.value = match item.tag {
                Tag::Null => Cell::null(schema),
                tag => Cell::new(payload, item.payload.len() as u32, tag, schema),
            };
            start += 1 + item.payload.len() as u32;
            record.emit(entry);
        }
        Ok(Outcome::Drop)
    }
}

pub fn drop() -> Plugin {
    let new = |_: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(Drop)) };
    Plugin::new("kit.Drop", "1.0.0", "Drops records.", Make::Transform(new))
}

struct Drop;

impl Transform for Drop {
    fn apply(&mut self, _: &mut Record<'_>) -> Result<Outcome> {
        Ok(Outcome::Drop)
    }
}

pub fn is_tombstone() -> Plugin {
    let new = |_: &Context| -> Result<Box<dyn Predicate>> { Ok(Box::new(IsTombstone)) };
    Plugin::new("kit.IsTombstone", "1.0.0", "Tells whether the value is null.", Make::Predicate(new))
}

struct IsTombstone;

impl Predicate for IsTombstone {
    fn test(&mut self, record: &mut Record<'_>) -> Result<bool> {
        Ok(record.value().is_null())
    }
}

pub fn hex() -> Plugin {
    let new = |_: &Context| -> Result<Box<dyn Converter>> { Ok(Box::new(Hex)) };
    Plugin::new("kit.Hex", "1.0.0", "Bytes as hexadecimal text.", Make::Converter(new)).for_headers()
}

struct Hex;

impl Converter for Hex {
    fn to_connect(&mut self, raw: ValueRef<'_>, out: &mut CellOut<'_>) -> Result<()> {
        let schema = out.schema_bytes(&[7, 1])?;
        if raw.is_null() {
            out.null(schema);
            return Ok(());
        }
        out.write(Tag::String, schema, |out| {
            let digit = |n: u8| b"0123456789abcdef"[n as usize];
            out.extend(raw.payload.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]));
            Ok(())
        })
    }

    fn from_connect(&mut self, value: ValueRef<'_>, _: u32, out: &mut CellOut<'_>) -> Result<()> {
        let text = match value.tag {
            Tag::Null => {
                out.null(NONE);
                return Ok(());
            }
            Tag::String => value.payload,
            _ => return Err(Error::data("not a string")),
        };
        let digit = |b: &u8| (*b as char).to_digit(16).ok_or_else(|| Error::data("not hexadecimal"));
        if text.len() % 2 == 1 {
            return Err(Error::data("not hexadecimal"));
        }
        out.write(Tag::Raw, NONE, |out| {
            for pair in text.chunks(2) {
                out.push((digit(&pair[0])? << 4 | digit(&pair[1])?) as u8);
            }
            Ok(())
        })
    }
}

pub fn fail() -> Plugin {
    let new = |context: &Context| -> Result<Box<dyn Transform>> {
        let config = fail_definition().parse(&context.config)?;
        match config.text("start") {
            Some("config") => Err(fail_definition().keys[0].invalid("config", "refused")),
            _ => Ok(Box::new(Fail)),
        }
    };
    Plugin::new("kit.Fail", "1.0.0", "Fails on demand.", Make::Transform(new)).config(fail_definition())
}

fn fail_definition() -> ConfigDef {
    ConfigDef::new(vec![ConfigKey::new("start", ConfigType::String, "").null()])
}

struct Fail;

impl Transform for Fail {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
        // A text counts whether it stands as STRING or as BYTES.
        let value = record.value();
        let text =
            if matches!(value.tag, Tag::String | Tag::Bytes) { std::str::from_utf8(value.payload).ok() } else { None };
        match text {
            Some("retriable") => Err(Error::retriable("later")),
            Some("data") => Err(Error::data("bad data")),
            Some("config") => Err(Error::config("Invalid value x for configuration y: bad config")),
            Some("error") => Err(Error::connect("plain error")),
            Some("detailed") => {
                let error = Error::data("bad item").caused_by("kit.Cause", "why");
                Err(error.at("[1]").at("list").class("kit.BadItem"))
            }
            Some("panic") => panic!("on demand"),
            _ => Ok(Outcome::Keep),
        }
    }
}

pub fn number() -> Plugin {
    let new = |_: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(Number(0))) };
    Plugin::new("kit.Number", "1.0.0", "Numbers texts.", Make::Transform(new)).keeping_state()
}

/// What it keeps is the last number.
struct Number(u64);

impl Transform for Number {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
        let value = record.value();
        if value.tag == Tag::String {
            self.0 += 1;
            record.entry.value = record.arena.write(Tag::String, record.entry.value.schema, |out| {
                out.extend_from_slice(value.payload);
                out.extend_from_slice(format!(" {}", self.0).as_bytes());
                Ok(())
            })?;
        }
        Ok(Outcome::Keep)
    }

    fn state(&mut self) -> Option<&mut dyn State> {
        Some(self)
    }
}

impl State for Number {
    fn export(&mut self) -> Result<Vec<u8>> {
        match self.0 {
            0 => Err(Error::connect("nothing was numbered")),
            last => Ok(last.to_string().into_bytes()),
        }
    }

    fn import(&mut self, _: &str, state: &[u8]) -> Result<()> {
        let number = std::str::from_utf8(state).ok().and_then(|text| text.parse().ok());
        self.0 = number.ok_or_else(|| Error::connect("not a number"))?;
        Ok(())
    }
}
