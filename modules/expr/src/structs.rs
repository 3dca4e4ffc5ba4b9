//! Fields of structs that are set or removed. The new schema is derived once for each schema that arrives, and again
//! when the type of a new field becomes known.

use std::rc::Rc;

use berth_guest::{Builder, Cell, Error, Field, Record, Result, Schema, Tag, Type, ValueRef, NONE};
use cel::common::value::CowVal;

use crate::edit::{no_fields, Edit, Edits};
use crate::failure::of_program;
use crate::nested::to_val;
use crate::path::{Path, Read, Root, Step};
use crate::program::{path_slot, Program};
use crate::scope::Scope;
use crate::typed;
use crate::view::Found;

/// Derived schemas that are kept; a producer of ever new schemas starts the cache anew at this number.
const KEPT: usize = 1_024;

/// What was derived for each schema.
#[derive(Default)]
pub struct Structs {
    derived: Vec<Derived>,
}

struct Derived {
    from: Rc<Schema>,
    /// Type of each assignment's field.
    types: Vec<FieldType>,
    plan: Plan,
    /// The new schema, encoded.
    bytes: Vec<u8>,
}

/// How the type of a field that is set is known.
#[derive(Clone, Debug)]
enum FieldType {
    /// It isn't: no record had a value yet, and structs go without the field.
    Unknown,
    /// The field exists; it keeps its schema if the first value fits.
    Existing(Rc<Schema>),
    Decided(Rc<Schema>),
    /// As decided, and the value is copied from a field of that schema.
    Copied(Rc<Schema>),
}

impl FieldType {
    fn schema(&self) -> Option<&Rc<Schema>> {
        match self {
            FieldType::Unknown => None,
            FieldType::Existing(schema) | FieldType::Decided(schema) | FieldType::Copied(schema) => Some(schema),
        }
    }

    fn is_open(&self) -> bool {
        matches!(self, FieldType::Unknown | FieldType::Existing(_))
    }
}

/// How a struct is written.
#[derive(Debug)]
struct Plan {
    schema: Rc<Schema>,
    fields: Vec<FieldPlan>,
}

#[derive(Debug)]
enum FieldPlan {
    /// The field of that index in the old struct.
    Copy(usize),
    /// What that assignment gives.
    Set(usize),
    Within(usize, Plan),
}

/// What an assignment gave for a record.
enum Given<'e, 'v> {
    /// A field of the record, with its path.
    Field(ValueRef<'v>, &'e Path),
    Made(CowVal<'e, 'v>),
}

/// What is set on structs.
pub struct Assignments<'a> {
    pub edits: &'a Edits,
    pub programs: &'a [Program],
    /// Declared types, by assignment.
    pub declared: &'a [Option<Rc<Schema>>],
}

impl Structs {
    /// The struct of the record's value with its edits.
    pub fn apply(&mut self, all: &Assignments<'_>, scope: &Scope<'_>, record: &mut Record<'_>) -> Result<Cell> {
        let cell = scope.view.entry.value;
        let schema = record.schema(&cell)?.ok_or_else(|| Error::internal("a struct without schema"))?;
        let given = all.programs.iter().map(|program| given(program, scope)).collect::<Result<Vec<_>>>()?;
        let at = self.derived_of(all, schema)?;
        self.derived[at].decide(all, &given, scope, record)?;
        let derived = &self.derived[at];
        let index = record.dict.intern_schema_bytes(&derived.bytes)?;
        let old = record.cell(&cell);
        record.arena.build(index, |out| derived.write(all, &given, scope, old, out))
    }

    fn derived_of(&mut self, all: &Assignments<'_>, schema: Rc<Schema>) -> Result<usize> {
        let same = |derived: &Derived| Rc::ptr_eq(&derived.from, &schema);
        let found = self.derived.iter().position(same);
        if let Some(at) = found.or_else(|| self.derived.iter().position(|derived| derived.from == schema)) {
            self.derived[at].from = schema;
            return Ok(at);
        }
        if self.derived.len() >= KEPT {
            self.derived.clear();
        }
        self.derived.push(Derived::new(all, schema)?);
        Ok(self.derived.len() - 1)
    }
}

fn given<'e, 'r>(program: &'e Program, scope: &'e Scope<'r>) -> Result<Given<'e, 'r>> {
    let path = path_slot(&program.expr).and_then(|slot| scope.view.paths.get(slot));
    if let Some(path) = path.filter(|path| path.read == Read::Value) {
        if let Ok(Found::Value(value, _)) = scope.view.find(path) {
            return Ok(Given::Field(value, path));
        }
    }
    scope.value(program).map(Given::Made)
}

impl Derived {
    fn new(all: &Assignments<'_>, from: Rc<Schema>) -> Result<Derived> {
        let mut types = vec![FieldType::Unknown; all.programs.len()];
        find_existing(all.edits, &from, &mut types);
        for (field, declared) in types.iter_mut().zip(all.declared) {
            if let Some(schema) = declared {
                *field = FieldType::Decided(schema.clone());
            }
        }
        let plan = plan(all, all.edits, &from, &types, "value")?;
        let bytes = plan.schema.to_bytes();
        Ok(Derived { from, types, plan, bytes })
    }

    /// Decides the types of fields for which there is a value now.
    fn decide(
        &mut self,
        all: &Assignments<'_>,
        given: &[Given<'_, '_>],
        scope: &Scope<'_>,
        record: &mut Record<'_>,
    ) -> Result<()> {
        let mut changed = false;
        for (i, given) in given.iter().enumerate() {
            if !self.types[i].is_open() {
                continue;
            }
            let decided = decide(&self.types[i], given, scope, record, &self.from);
            if let Some(decided) = decided.map_err(|message| of_program(&all.programs[i], &message))? {
                changed |= self.types[i].schema() != decided.schema();
                self.types[i] = decided;
            }
        }
        if changed {
            self.plan = plan(all, all.edits, &self.from, &self.types, "value")?;
            self.bytes = self.plan.schema.to_bytes();
        }
        Ok(())
    }

    fn write(
        &self,
        all: &Assignments<'_>,
        given: &[Given<'_, '_>],
        scope: &Scope<'_>,
        old: ValueRef<'_>,
        out: &mut Builder<'_>,
    ) -> Result<()> {
        let mut set = |number: usize, schema: &Schema, out: &mut Builder<'_>| {
            let copied = matches!(self.types[number], FieldType::Copied(_));
            let written = match &given[number] {
                Given::Field(value, _) if copied && (!value.is_null() || schema.optional) => {
                    out.value(*value);
                    Ok(())
                }
                Given::Field(value, path) => typed::write(&*to_val(*value, shape_of(path, scope)), schema, out),
                Given::Made(value) => typed::write(&**value, schema, out),
            };
            written.map_err(|message| {
                let program = &all.programs[number];
                of_program(program, &format!("{message} ({}.type)", program.key))
            })
        };
        write_struct(&self.plan, old, &mut set, out)
    }
}

fn shape_of<'r>(path: &Path, scope: &Scope<'r>) -> &'r crate::shape::Shape {
    match scope.view.find(path) {
        Ok(Found::Value(_, shape)) => shape,
        _ => &crate::shape::PLAIN,
    }
}

fn find_existing(edits: &Edits, schema: &Schema, types: &mut [FieldType]) {
    for (name, edit) in &edits.fields {
        let Some(field) = schema.index_of(name).map(|i| &schema.fields[i]) else { continue };
        match edit {
            Edit::Remove => {}
            Edit::Set(number) => types[*number] = FieldType::Existing(field.schema.clone()),
            Edit::Within(within) => find_existing(within, &field.schema, types),
        }
    }
}

/// The type of a field now that it has a value; `None` if it is null.
fn decide(
    known: &FieldType,
    given: &Given<'_, '_>,
    scope: &Scope<'_>,
    record: &mut Record<'_>,
    value: &Rc<Schema>,
) -> std::result::Result<Option<FieldType>, String> {
    if let Given::Field(field, path) = given {
        if field.is_null() {
            return Ok(None);
        }
        if let Some(schema) = schema_at(path, scope, record, value) {
            let keeps = known.schema().is_some_and(|known| same_type(known, &schema));
            let schema = known.schema().filter(|_| keeps).cloned().unwrap_or_else(|| optional(&schema));
            return Ok(Some(FieldType::Copied(schema)));
        }
    }
    let made = match given {
        Given::Field(field, path) => CowVal::Owned(to_val(*field, shape_of(path, scope))),
        Given::Made(made) => made.clone(),
    };
    if let FieldType::Existing(schema) = known {
        if typed::accepts(schema, &*made) {
            return Ok(Some(FieldType::Decided(schema.clone())));
        }
    }
    Ok(typed::infer(&*made)?.map(|schema| FieldType::Decided(Rc::new(schema))))
}

/// The schema of what a path leads to.
fn schema_at(path: &Path, scope: &Scope<'_>, record: &mut Record<'_>, value: &Rc<Schema>) -> Option<Rc<Schema>> {
    let mut schema = match path.root {
        Root::Value => value.clone(),
        Root::Key => record.schema(&scope.view.entry.key).ok()??,
        _ => return None,
    };
    for step in &path.steps {
        schema = match (schema.kind, step) {
            (Type::Struct, Step::Name(name)) => schema.fields[schema.index_of(name)?].schema.clone(),
            (Type::Map, _) | (Type::Array, Step::At(_)) => schema.element.clone()?,
            _ => return None,
        };
    }
    Some(schema)
}

/// Whether values of one schema are values of the other: all but attributes of the field itself.
fn same_type(a: &Schema, b: &Schema) -> bool {
    let bare = |schema: &Schema| Schema { optional: true, default: None, doc: None, ..schema.clone() };
    bare(a) == bare(b)
}

fn optional(schema: &Rc<Schema>) -> Rc<Schema> {
    Rc::new(Schema { optional: true, ..(**schema).clone() })
}

fn plan(all: &Assignments<'_>, edits: &Edits, old: &Rc<Schema>, types: &[FieldType], at: &str) -> Result<Plan> {
    let (mut new, mut fields) = (Schema { fields: Vec::new(), default: None, ..(**old).clone() }, Vec::new());
    for (i, field) in old.fields.iter().enumerate() {
        let name = field.name.clone();
        match edits.find(name.as_bytes()) {
            None => {
                new.fields.push(field.clone());
                fields.push(FieldPlan::Copy(i));
            }
            Some(Edit::Remove) => {}
            Some(Edit::Set(number)) => {
                let schema = types[*number].schema().unwrap_or(&field.schema).clone();
                new.fields.push(Field { name, schema });
                fields.push(FieldPlan::Set(*number));
            }
            Some(Edit::Within(within)) => {
                let at = format!("{at}.{name}");
                if field.schema.kind != Type::Struct {
                    return Err(no_struct(all, within, &at, &field.schema.describe()));
                }
                let plan = plan(all, within, &field.schema, types, &at)?;
                new.fields.push(Field { name, schema: plan.schema.clone() });
                fields.push(FieldPlan::Within(i, plan));
            }
        }
    }
    for (name, edit) in edits.fields.iter().filter(|(name, _)| old.index_of(name).is_none()) {
        match edit {
            Edit::Set(number) => {
                if let Some(schema) = types[*number].schema() {
                    new.fields.push(Field { name: name.as_str().into(), schema: schema.clone() });
                    fields.push(FieldPlan::Set(*number));
                }
            }
            Edit::Within(within) => return Err(no_struct(all, within, &format!("{at}.{name}"), "missing")),
            Edit::Remove => {}
        }
    }
    Ok(Plan { schema: Rc::new(new), fields })
}

fn no_struct(all: &Assignments<'_>, within: &Edits, at: &str, found: &str) -> Error {
    let plain = no_fields(within, all.programs, at, ValueRef::NULL);
    Error::data(format!("{} ({at}: {found})", plain.message))
}

type Set<'s> = dyn FnMut(usize, &Schema, &mut Builder<'_>) -> Result<()> + 's;

fn write_struct(plan: &Plan, old: ValueRef<'_>, set: &mut Set<'_>, out: &mut Builder<'_>) -> Result<()> {
    let items = old.items();
    out.open(Tag::Struct);
    for (field, to) in plan.fields.iter().zip(&plan.schema.fields) {
        match field {
            FieldPlan::Copy(i) => out.value(items.get(*i).unwrap_or(ValueRef::NULL)),
            FieldPlan::Set(number) => set(*number, &to.schema, out)?,
            FieldPlan::Within(i, plan) => match items.get(*i).filter(|item| item.tag == Tag::Struct) {
                Some(item) => write_struct(plan, item, set, out)?,
                // There is no struct to set a field of.
                None => out.null(),
            },
        }
    }
    out.close_struct(NONE);
    Ok(())
}
