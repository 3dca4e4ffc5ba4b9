//! Results of expressions as metadata of the record.

use berth_guest::{put_header, Builder, Dictionaries, Error, Record, Result, Stack, ValueRef, NONE, NO_TIMESTAMP};

use crate::failure::of_program;
use crate::nested::is_null;
use crate::output::{instant, int};
use crate::program::Program;
use crate::scope::Scope;
use crate::typed;

/// Longest name of a topic that Kafka takes.
const TOPIC_CHARS: usize = 249;

/// Sends the record to another topic.
pub fn topic(program: &Program, scope: &Scope<'_>, record: &mut Record<'_>) -> Result<()> {
    let value = scope.value(program)?;
    let Some(name) = value.downcast_ref::<cel::common::types::CelString>() else {
        let got = value.get_type().name();
        return Err(of_program(program, &format!("it gives a value of type {got}, a topic is a text")));
    };
    let name = name.inner();
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || name.len() > TOPIC_CHARS || name == "." || name == ".." || !name.chars().all(legal) {
        let rule = format!("1 to {TOPIC_CHARS} of a-z, A-Z, 0-9, '.', '_' and '-'");
        return Err(of_program(program, &format!("{name:?} is no name of a topic, which has {rule}")));
    }
    record.set_topic(name)
}

/// The partition to write to; null leaves it to the producer.
pub fn partition(program: &Program, scope: &Scope<'_>) -> Result<i32> {
    let value = scope.value(program)?;
    if is_null(&*value) {
        return Ok(-1);
    }
    let number = int(&*value).ok_or_else(|| not_a_number(program, value.get_type().name()))?;
    i32::try_from(number).ok().filter(|n| *n >= 0).ok_or_else(|| {
        of_program(program, &format!("{number} is no partition: it is 0 or more, or null for the producer's choice"))
    })
}

fn not_a_number(program: &Program, got: &str) -> Error {
    of_program(program, &format!("it gives a value of type {got}, not int; convert it with int()"))
}

/// The timestamp of the record; null leaves it to the producer.
pub fn timestamp(program: &Program, scope: &Scope<'_>) -> Result<i64> {
    let value = scope.value(program)?;
    if is_null(&*value) {
        return Ok(NO_TIMESTAMP);
    }
    let got = value.get_type().name();
    let ms = instant(&*value).or(int(&*value)).ok_or_else(|| {
        of_program(program, &format!("it gives a value of type {got}, not timestamp or int, milliseconds since 1970"))
    })?;
    match ms {
        0.. => Ok(ms),
        _ => Err(of_program(program, &format!("{ms} is before 1970, which Kafka can't store"))),
    }
}

/// Headers that expressions set, by name.
pub struct HeaderRules {
    rules: Vec<(String, Program)>,
    /// Block, values and positions of open lists, kept between records.
    block: Vec<u8>,
    value: Vec<u8>,
    stack: Stack,
}

impl HeaderRules {
    pub fn new(rules: Vec<(String, Program)>) -> HeaderRules {
        HeaderRules { rules, block: Vec::new(), value: Vec::new(), stack: Stack::default() }
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Replaces headers by what their expressions give; null removes them.
    pub fn apply(&mut self, scope: &Scope<'_>, record: &mut Record<'_>) -> Result<()> {
        self.block.clear();
        let mut count = 0;
        for header in scope.view.headers().filter(|h| self.rules.iter().all(|(name, _)| name != h.key)) {
            put_header(&mut self.block, header.key, header.schema, header.value);
            count += 1;
        }
        for (name, program) in &self.rules {
            self.value.clear();
            let mut out = Builder::new(&mut self.value, &mut self.stack);
            let Some(schema) = header_value(program, scope, record.dict, &mut out)? else { continue };
            let tag = out.tag();
            put_header(&mut self.block, name, schema, ValueRef::new(tag, &self.value));
            count += 1;
        }
        let block = &self.block;
        record.set_headers(count, |out| {
            out.extend_from_slice(block);
            Ok(())
        })
    }
}

/// Writes the value of a header; answers with the index of its schema, or `None` for null.
fn header_value(
    program: &Program,
    scope: &Scope<'_>,
    dict: &mut Dictionaries,
    out: &mut Builder<'_>,
) -> Result<Option<u32>> {
    let value = scope.value(program)?;
    match typed::infer(&*value) {
        Ok(None) => Ok(None),
        Ok(Some(mut schema)) => {
            schema.optional = false;
            typed::write(&*value, &schema, out).map_err(|message| of_program(program, &message))?;
            dict.intern_schema(&schema).map(Some)
        }
        // Lists and maps of values of several types have no schema.
        Err(_) => scope.write(program, out).map(|()| Some(NONE)),
    }
}
