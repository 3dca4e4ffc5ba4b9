//! Expr: filters, routes and changes records by expressions.

use berth_guest::{Cell, Context, Error, Make, Outcome, Plugin, Record, Result, Tag, Transform, NONE};

use crate::assign::{self, HeaderRules};
use crate::edit::{no_fields, write_map};
use crate::program::Program;
use crate::scope::{Reader, Scope};
use crate::settings::{definition, validate, OnError, Rules};
use crate::structs::{Assignments, Structs};

pub fn plugin() -> Plugin {
    let new = |context: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(Expr::new(context)?)) };
    let doc = "Filters, routes and changes records by expressions in CEL.";
    Plugin::new("berth.Expr", crate::VERSION, doc, Make::Transform(new))
        .aliases(&["Expr"])
        .config(definition())
        .validate(validate)
}

struct Expr {
    rules: Rules,
    headers: HeaderRules,
    structs: Structs,
    reader: Reader,
}

impl Expr {
    fn new(context: &Context) -> Result<Expr> {
        let mut rules = Rules::new(&context.config)?;
        let headers = HeaderRules::new(std::mem::take(&mut rules.headers));
        let reader = Reader::new(std::mem::take(&mut rules.paths));
        let expr = Expr { rules, headers, structs: Structs::default(), reader };
        if expr.is_idle() {
            return Err(Error::config(
                "Expr does nothing: set filter, topic, key, value, partition, timestamp, headers.NAME, set.FIELD or \
                 remove",
            ));
        }
        Ok(expr)
    }

    fn is_idle(&self) -> bool {
        let rules = &self.rules;
        let all = [&rules.filter, &rules.topic, &rules.key, &rules.value, &rules.partition, &rules.timestamp];
        all.iter().all(|program| program.is_none()) && self.headers.is_empty() && rules.edits.is_empty()
    }
}

impl Transform for Expr {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
        let Expr { rules, headers, structs, reader } = self;
        reader.on(record, |scope, record| {
            if !passes(rules, scope)? {
                return Ok(Outcome::Drop);
            }
            set_metadata(rules, scope, record)?;
            if !headers.is_empty() {
                headers.apply(scope, record)?;
            }
            set_data(rules, structs, scope, record)?;
            Ok(Outcome::Keep)
        })
    }
}

fn passes(rules: &Rules, scope: &Scope<'_>) -> Result<bool> {
    let Some(filter) = &rules.filter else { return Ok(true) };
    match (scope.boolean(filter), rules.on_error) {
        (Err(_), OnError::Drop) => Ok(false),
        (Err(_), OnError::Keep) => Ok(true),
        (said, _) => said,
    }
}

fn set_metadata(rules: &Rules, scope: &Scope<'_>, record: &mut Record<'_>) -> Result<()> {
    if let Some(program) = &rules.topic {
        assign::topic(program, scope, record)?;
    }
    if let Some(program) = &rules.partition {
        record.entry.partition = assign::partition(program, scope)?;
    }
    if let Some(program) = &rules.timestamp {
        record.entry.timestamp = assign::timestamp(program, scope)?;
    }
    Ok(())
}

fn set_data(rules: &Rules, structs: &mut Structs, scope: &Scope<'_>, record: &mut Record<'_>) -> Result<()> {
    let (key, value) = (made(&rules.key, scope, record)?, made(&rules.value, scope, record)?);
    if let Some(cell) = key {
        record.entry.key = cell;
    }
    if let Some(cell) = value {
        record.entry.value = cell;
    }
    if !rules.edits.is_empty() && !scope.view.entry.value.is_null() {
        record.entry.value = edited(rules, structs, scope, record)?;
    }
    Ok(())
}

fn made(program: &Option<Program>, scope: &Scope<'_>, record: &mut Record<'_>) -> Result<Option<Cell>> {
    let Some(program) = program else { return Ok(None) };
    record.arena.build(NONE, |out| scope.write(program, out)).map(Some)
}

/// The value with fields set and removed. Null, a tombstone, has no fields and stays.
fn edited(rules: &Rules, structs: &mut Structs, scope: &Scope<'_>, record: &mut Record<'_>) -> Result<Cell> {
    let value = record.cell(&scope.view.entry.value);
    match value.tag {
        Tag::Struct => {
            let all = Assignments { edits: &rules.edits, programs: &rules.assignments, declared: &rules.declared };
            structs.apply(&all, scope, record)
        }
        Tag::Map => {
            let schema = scope.view.entry.value.schema;
            if schema != NONE {
                return Err(Error::data(
                    "set and remove need a struct, or a map without schema; value is a map with one",
                ));
            }
            record.arena.build(NONE, |out| write_map(&rules.edits, &rules.assignments, value, "value", scope, out))
        }
        _ => Err(no_fields(&rules.edits, &rules.assignments, "value", value)),
    }
}
