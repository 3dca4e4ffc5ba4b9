//! The language: CEL with its standard functions and extensions for strings, lists, math and base64, and our own.

use std::sync::{Arc, LazyLock};

use cel::common::ast::{CallExpr, Expr, LiteralValue};
use cel::common::types::DYN_TYPE;
use cel::common::value::CowVal;
use cel::{extensions, Context, Env, ExecutionError, IdedExpr, Value};

use crate::functions;

static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(environment()));

/// The functions and types that expressions know.
pub fn env() -> Arc<Env> {
    ENV.clone()
}

/// Name of the function that makes a value of CEL's own from one that lies in the batch.
pub const SOLID: &str = "@solid";

/// Most arguments of `coalesce`.
pub const COALESCE_ARGUMENTS: usize = 8;

fn environment() -> Env {
    let mut env = Env::stdlib();
    let added = env
        .add_extension(extensions::strings)
        .and_then(|()| env.add_extension(extensions::lists))
        .and_then(|()| env.add_extension(extensions::math))
        .and_then(|()| env.add_extension(extensions::encoders))
        .and_then(|()| env.add_extension(functions::extension));
    added.expect("names of extensions are distinct");
    env
}

type Op = for<'b, 'v> fn(Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError>;

/// Adds functions that take any type of argument: `coalesce` and [`SOLID`].
pub fn add_any(env: &mut Env, name: &str, arguments: usize, op: Op) -> Result<(), cel::DeclarationError> {
    env.add_overload(name, &format!("{name}_{arguments}"), (0..arguments).map(|_| DYN_TYPE).collect(), op)
}

/// Whether a type has that name.
pub fn is_type(name: &str) -> bool {
    ENV.types().find_type(name).is_some()
}

/// Whether a function has that name: called without arguments it then says that they are missing, or answers.
pub fn is_function(name: &str, member: bool) -> bool {
    let target = member.then(|| Box::new(IdedExpr { id: 0, expr: Expr::Literal(LiteralValue::Null) }));
    knows(CallExpr { func_name: name.to_string(), target, args: Vec::new() })
}

/// Whether a function of a namespace has that name: `base64.encode`.
pub fn is_qualified_function(namespace: &str, name: &str) -> bool {
    let target = Some(Box::new(IdedExpr { id: 0, expr: Expr::Ident(namespace.to_string()) }));
    knows(CallExpr { func_name: name.to_string(), target, args: Vec::new() })
}

fn knows(call: CallExpr) -> bool {
    let expr = IdedExpr { id: 0, expr: Expr::Call(call) };
    let context = Context::with_env(env());
    let answer = Value::resolve_val(&expr, &context);
    !matches!(answer, Err(ExecutionError::UndeclaredReference(_)))
}
