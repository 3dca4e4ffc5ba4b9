//! ExprPredicate: true for records of which an expression is.

use berth_guest::{
    ConfigDef, ConfigKey, ConfigType, Context, Error, Importance, Make, Plugin, Predicate, Record, Result, Validator,
};

use crate::program::{check, Program};
use crate::scope::Reader;

const EXPRESSION: &str = "expression";

pub fn plugin() -> Plugin {
    let new = |context: &Context| -> Result<Box<dyn Predicate>> { Ok(Box::new(ExprPredicate::new(context)?)) };
    let doc = "True for records of which an expression in CEL is true.";
    Plugin::new("berth.ExprPredicate", crate::VERSION, doc, Make::Predicate(new))
        .aliases(&["Matches"])
        .config(definition())
}

fn definition() -> ConfigDef {
    let doc = "Expression that gives a bool, as value.amount > 100.0. It may use topic, partition, offset, timestamp, \
               key, value and headers.";
    ConfigDef::new(vec![ConfigKey::new(EXPRESSION, ConfigType::String, doc)
        .importance(Importance::High)
        .validator(Validator::Custom("expression in CEL", check))])
}

struct ExprPredicate {
    condition: Program,
    reader: Reader,
}

impl ExprPredicate {
    fn new(context: &Context) -> Result<ExprPredicate> {
        let config = definition().parse(&context.config)?;
        let mut paths = Vec::new();
        let condition = Program::compile(EXPRESSION, &config.string(EXPRESSION), &mut paths).map_err(Error::config)?;
        Ok(ExprPredicate { condition, reader: Reader::new(paths) })
    }
}

impl Predicate for ExprPredicate {
    fn test(&mut self, record: &mut Record<'_>) -> Result<bool> {
        let condition = &self.condition;
        self.reader.on(record, |scope, _| scope.boolean(condition))
    }
}
