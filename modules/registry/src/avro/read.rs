//! Avro's binary encoding, read straight into values of the ABI.

use berth_guest::{Builder, Error, Result, Tag, NONE};

use super::to_connect::{shortest, DAY_MS};

/// How a type is read; made once per schema.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    Boolean,
    Int8,
    Int16,
    Int,
    Long,
    Float,
    Double,
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
    Array(Box<Read>),
    Map(Box<Read>),
    /// An array of records that stands for a map.
    Entries(Box<(Read, Read)>),
    /// `null` is the index of null among the two members.
    Optional {
        null: usize,
        some: Box<Read>,
    },
    /// A struct with a field for each member but null (`None`).
    Union(Vec<Option<Read>>),
    Record(Vec<Read>),
}

/// Items of types that take no bytes are counted up to this number: a few bytes must not become gigabytes.
const EMPTY_ITEMS: usize = 1 << 16;

/// Reads a value that fills `bytes`.
pub fn read(plan: &Read, bytes: &[u8], out: &mut Builder<'_>) -> Result<()> {
    let mut input = Input { bytes, at: 0, empty: 0 };
    input.value(plan, out)?;
    if input.at < bytes.len() {
        return Err(input.broken(format!("{} bytes are left over", bytes.len() - input.at)));
    }
    Ok(())
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Items without bytes so far.
    empty: usize,
}

impl<'a> Input<'a> {
    #[cold]
    fn broken(&self, what: impl std::fmt::Display) -> Error {
        Error::data(format!(
            "the value does not fit its Avro schema, at byte {} of {}: {what}; whoever wrote it used another schema",
            self.at,
            self.bytes.len()
        ))
    }

    #[inline]
    fn take(&mut self, n: usize, what: &str) -> Result<&'a [u8]> {
        match self.at.checked_add(n).and_then(|end| self.bytes.get(self.at..end)) {
            Some(taken) => {
                self.at += n;
                Ok(taken)
            }
            None => Err(self.broken(format!("{what} of {n} bytes goes beyond the end"))),
        }
    }

    /// A number of 1 to 10 bytes, zigzag.
    #[inline]
    fn long(&mut self) -> Result<i64> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let Some(&byte) = self.bytes.get(self.at) else { return Err(self.broken("a number goes beyond the end")) };
            self.at += 1;
            n |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok((n >> 1) as i64 ^ -((n & 1) as i64));
            }
        }
        Err(self.broken("a number of more than 10 bytes"))
    }

    fn int(&mut self) -> Result<i32> {
        let n = self.long()?;
        i32::try_from(n).map_err(|_| self.broken(format!("{n} is no int")))
    }

    fn sized(&mut self, what: &str) -> Result<&'a [u8]> {
        let n = self.long()?;
        match usize::try_from(n) {
            Ok(n) => self.take(n, what),
            Err(_) => Err(self.broken(format!("{what} of {n} bytes"))),
        }
    }

    fn text(&mut self) -> Result<&'a str> {
        let bytes = self.sized("a text")?;
        std::str::from_utf8(bytes).map_err(|e| self.broken(format!("a text is not UTF-8: {e}")))
    }

    /// Index of a union's member or of a symbol.
    fn index(&mut self, count: usize, what: &str) -> Result<usize> {
        let n = self.long()?;
        match usize::try_from(n) {
            Ok(i) if i < count => Ok(i),
            _ => Err(self.broken(format!("{what} {n} of {count}"))),
        }
    }

    fn value(&mut self, plan: &Read, out: &mut Builder<'_>) -> Result<()> {
        match plan {
            Read::Boolean => match self.take(1, "a boolean")?[0] {
                0 => out.boolean(false),
                1 => out.boolean(true),
                other => return Err(self.broken(format!("{other} is no boolean"))),
            },
            Read::Int8 => out.i8(self.int()? as i8),
            Read::Int16 => out.i16(self.int()? as i16),
            Read::Int => out.i32(self.int()?),
            Read::Long => out.i64(self.long()?),
            Read::Float => out.with(Tag::Float32, {
                let bytes = self.take(4, "a float")?;
                |o| o.extend_from_slice(bytes)
            }),
            Read::Double => out.with(Tag::Float64, {
                let bytes = self.take(8, "a double")?;
                |o| o.extend_from_slice(bytes)
            }),
            Read::Bytes => out.bytes(self.sized("bytes")?),
            Read::String => out.str(self.text()?),
            Read::Fixed(size) => out.bytes(self.take(*size, "a fixed")?),
            Read::Enum(symbols) => out.str(&symbols[self.index(symbols.len(), "symbol")?]),
            Read::Decimal { scale, size: None } => out.decimal(*scale, shortest(self.sized("a decimal")?)),
            Read::Decimal { scale, size: Some(n) } => out.decimal(*scale, shortest(self.take(*n, "a decimal")?)),
            Read::Date => out.date(i64::from(self.int()?) * DAY_MS),
            Read::Time => out.date(i64::from(self.int()?)),
            Read::Timestamp => out.date(self.long()?),
            Read::Optional { null, some } => match self.index(2, "member")? == *null {
                true => out.null(),
                false => self.value(some, out)?,
            },
            _ => self.container(plan, out)?,
        }
        Ok(())
    }

    fn container(&mut self, plan: &Read, out: &mut Builder<'_>) -> Result<()> {
        match plan {
            Read::Record(fields) => {
                out.open(Tag::Struct);
                for field in fields {
                    self.value(field, out)?;
                }
                out.close_struct(NONE);
            }
            Read::Array(items) => {
                out.open(Tag::Array);
                self.blocks(|input| input.value(items, out))?;
                out.close_array();
            }
            Read::Map(values) => {
                out.open(Tag::Map);
                self.blocks(|input| {
                    out.str(input.text()?);
                    input.value(values, out)
                })?;
                out.close_map();
            }
            Read::Entries(entry) => {
                out.open(Tag::Map);
                self.blocks(|input| {
                    input.value(&entry.0, out)?;
                    input.value(&entry.1, out)
                })?;
                out.close_map();
            }
            Read::Union(members) => self.union(members, out)?,
            _ => return Err(Error::internal("a plan that is no container")),
        }
        Ok(())
    }

    fn union(&mut self, members: &[Option<Read>], out: &mut Builder<'_>) -> Result<()> {
        let chosen = self.index(members.len(), "member")?;
        if members[chosen].is_none() {
            out.null();
            return Ok(());
        }
        out.open(Tag::Struct);
        for (i, member) in members.iter().enumerate() {
            match member {
                Some(member) if i == chosen => self.value(member, out)?,
                Some(_) => out.null(),
                None => {}
            }
        }
        out.close_struct(NONE);
        Ok(())
    }

    /// The blocks of an array or a map; a negative count is followed by the block's size.
    fn blocks(&mut self, mut item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        loop {
            let mut count = self.long()?;
            if count == 0 {
                return Ok(());
            }
            if count < 0 {
                self.long()?;
                count = count.checked_neg().ok_or_else(|| self.broken("a block without end"))?;
            }
            for _ in 0..count {
                let before = self.at;
                item(self)?;
                if self.at == before {
                    self.empty += 1;
                    if self.empty > EMPTY_ITEMS {
                        return Err(self.broken(format!("more than {EMPTY_ITEMS} items without content")));
                    }
                }
            }
        }
    }
}
