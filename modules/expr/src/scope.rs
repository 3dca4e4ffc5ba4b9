//! Evaluation of expressions on one record.

use std::cell::OnceCell;
use std::rc::Rc;

use berth_guest::{Builder, Error, PerSchema, Record, Result, NONE};
use cel::common::types::CelBool;
use cel::common::value::CowVal;
use cel::{Context, ExecutionError};

use crate::failure::{explain, of_program};
use crate::language;
use crate::output;
use crate::path::{Path, Root};
use crate::program::Program;
use crate::shape::Shape;
use crate::view::View;

/// What a plugin's expressions read of records.
pub struct Reader {
    paths: Vec<Path>,
    reads_topic: bool,
    topic: String,
    shapes: PerSchema<Rc<Shape>>,
    plain: Rc<Shape>,
}

impl Reader {
    pub fn new(paths: Vec<Path>) -> Reader {
        let reads_topic = paths.iter().any(|path| path.root == Root::Topic);
        let (topic, shapes, plain) = (String::new(), PerSchema::default(), Rc::new(Shape::Plain));
        Reader { paths, reads_topic, topic, shapes, plain }
    }

    /// Gives `work` the record as it is now; changes to it are seen by the next stage only.
    pub fn on<'a, T>(
        &mut self,
        record: &mut Record<'a>,
        work: impl FnOnce(&Scope<'_>, &mut Record<'a>) -> Result<T>,
    ) -> Result<T> {
        if self.reads_topic && record.topic() != self.topic {
            self.topic = record.topic().to_string();
        }
        let entry = *record.entry;
        let (key, value) = (self.shape(record, entry.key.schema)?, self.shape(record, entry.value.schema)?);
        let (memory, topic, paths) = (record.memory, self.topic.as_str(), &self.paths[..]);
        let view = View { entry, memory, topic, key: &key, value: &value, paths };
        let scope = Scope { view: &view, context: OnceCell::new() };
        work(&scope, record)
    }

    fn shape(&mut self, record: &mut Record<'_>, schema: u32) -> Result<Rc<Shape>> {
        match schema {
            NONE => Ok(self.plain.clone()),
            _ => self.shapes.get(record.dict, schema, |_, schema| Ok(Rc::new(Shape::new(&schema)))),
        }
    }
}

/// A record and what its expressions may call.
pub struct Scope<'r> {
    pub view: &'r View<'r>,
    /// Made when the first expression needs CEL.
    context: OnceCell<Context<'r, 'r>>,
}

impl<'r> Scope<'r> {
    /// What an expression says of the record.
    #[inline]
    pub fn value<'e>(&'e self, program: &'e Program) -> Result<CowVal<'e, 'r>> {
        program.evaluate(self.context()).map_err(|error| self.explain(program, &error))
    }

    fn context(&self) -> &Context<'r, 'r> {
        self.context.get_or_init(|| {
            let mut context = Context::with_env(language::env());
            context.set_variable_resolver(self.view);
            context
        })
    }

    /// What a condition says of the record.
    #[inline]
    pub fn boolean(&self, program: &Program) -> Result<bool> {
        match program.quick.as_ref().and_then(|quick| quick.test(self.view)) {
            Some(said) => Ok(said),
            None => self.evaluated(program),
        }
    }

    fn evaluated(&self, program: &Program) -> Result<bool> {
        let value = self.value(program)?;
        value.downcast_ref::<CelBool>().map(|b| *b.inner()).ok_or_else(|| {
            let got = value.get_type().name();
            of_program(program, &format!("it gives a value of type {got}, not bool; compare it with something"))
        })
    }

    /// Writes what an expression says as a value without schema.
    pub fn write(&self, program: &Program, out: &mut Builder<'_>) -> Result<()> {
        output::write(&program.expr, self.view, self.context(), out).map_err(|error| self.explain(program, &error))
    }

    fn explain(&self, program: &Program, error: &ExecutionError) -> Error {
        explain(program, self.view, error)
    }
}
