//! A compiled expression.

use cel::common::ast::Expr;
use cel::common::value::CowVal;
use cel::{Context, ExecutionError, IdedExpr, ParseErrors, Value};

use crate::language;
use crate::path::{slot_of, Path};
use crate::quick::Quick;
use crate::rewrite::{rewrite, Complaint};

/// Longest text of an expression, in bytes.
pub const SOURCE_BYTES: usize = 4 << 10;

/// An expression of a configuration.
#[derive(Debug)]
pub struct Program {
    /// The configuration key that it stands under.
    pub key: String,
    pub source: String,
    pub expr: IdedExpr,
    /// The same, if it is a condition that needs no CEL.
    pub quick: Option<Quick>,
}

impl Program {
    /// Compiles; what it reads of a record is appended to `paths`. Errors tell line and column.
    pub fn compile(key: &str, source: &str, paths: &mut Vec<Path>) -> Result<Program, String> {
        if source.len() > SOURCE_BYTES {
            let len = source.len();
            return Err(format!("an expression of {len} bytes; the limit is {SOURCE_BYTES}: use several transforms"));
        }
        let parser = language::env().parser().enable_ident_escape_syntax(true);
        let (mut expr, info) = parser.parse_with_source_info(source).map_err(|errors| of_parser(&errors))?;
        let place = |id: u64| info.offset_for(id).map_or(0, |(start, _)| start as usize);
        rewrite(&mut expr, paths)
            .map_err(|Complaint { id, text }| format!("{}: {text}", position(source, place(id))))?;
        let quick = Quick::of(&expr, paths);
        Ok(Program { key: key.to_string(), source: source.to_string(), expr, quick })
    }

    /// Evaluates it for the record that answers for the context's variables.
    #[inline]
    pub fn evaluate<'e, 'v>(&'e self, context: &'e Context<'_, 'v>) -> Result<CowVal<'e, 'v>, ExecutionError> {
        Value::resolve_val(&self.expr, context)
    }
}

/// The number of the path that an expression consists of.
pub fn path_slot(expr: &IdedExpr) -> Option<usize> {
    match &expr.expr {
        Expr::Ident(name) => slot_of(name),
        _ => None,
    }
}

/// Checks the value of a configuration key.
pub fn check(source: Option<&str>) -> Result<(), String> {
    source.map_or(Ok(()), |source| Program::compile("", source, &mut Vec::new()).map(|_| ()))
}

fn of_parser(errors: &ParseErrors) -> String {
    let one = |(line, column): (isize, isize), text: &str| format!("line {line}, column {column}: {}", text.trim());
    let all: Vec<String> = errors.errors.iter().map(|error| one(error.pos, &error.msg)).collect();
    all.join("; ")
}

/// Line and column of a byte, counted from 1.
fn position(source: &str, at: usize) -> String {
    let before: String = source.bytes().take(at).map(char::from).collect();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, str::len) + 1;
    format!("line {line}, column {column}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::{Read, Root, Step};

    fn compile(source: &str) -> (Result<Program, String>, Vec<Path>) {
        let mut paths = Vec::new();
        (Program::compile("filter", source, &mut paths), paths)
    }

    #[test]
    fn only_what_is_referenced_is_read() {
        let path = |names: &[&str]| {
            names.iter().fold(Path::new(Root::Value), |path, name| path.step(Step::Name(name.to_string())))
        };
        let cases: [(&str, Vec<Path>); 9] = [
            ("value.a.b > 1 && value.a.b < 9", vec![path(&["a", "b"])]),
            ("value['a'].b == topic", vec![path(&["a", "b"]), Path::new(Root::Topic)]),
            ("value.a[0] == 1", vec![path(&["a"]).step(Step::At(0))]),
            ("has(value.a.b)", vec![path(&["a", "b"]).read(Read::Presence)]),
            ("coalesce(value.a, 1)", vec![path(&["a"]).read(Read::OrNull)]),
            ("string(value.a)", vec![path(&["a"]).read(Read::Exact)]),
            ("[1, 2].exists(value, value > 1)", vec![]),
            ("value.a.exists(x, x.b == value.c)", vec![path(&["a"]), path(&["c"])]),
            ("value.`a-b` == 1", vec![path(&["a-b"])]),
        ];
        for (source, want) in cases {
            let (program, paths) = compile(source);
            program.unwrap();
            assert_eq!(paths, want, "{source}");
        }
    }

    #[test]
    fn errors_tell_the_place() {
        let cases = [
            ("value.a >", "line 1, column 10:"),
            ("value.a > 1 &&\n valu.b == 2", "line 2, column 2: no variable is named valu; there are topic, "),
            ("value.a.lowr() == 'x'", "no method is named lowr"),
            ("sha1(value.a) == 'x'", "no function is named sha1"),
            ("Point{x: 1}", "there is no type Point"),
            ("", "line 1, column "),
        ];
        for (source, want) in cases {
            let error = compile(source).0.unwrap_err();
            assert!(error.contains(want), "{source}: {error}");
        }
    }

    #[test]
    fn long_and_deep_expressions_are_refused() {
        let long = format!("'{}'", "x".repeat(SOURCE_BYTES));
        assert!(compile(&long).0.unwrap_err().contains("4098 bytes; the limit is 4096"));
        let deep = vec!["1"; 2_000].join("+");
        assert!(compile(&deep).0.unwrap_err().contains("within each other"));
        assert!(compile(&"(".repeat(2_000)).0.is_err());
        assert!(compile(&vec!["1"; 100].join("+")).0.is_ok());
    }

    #[test]
    fn types_and_namespaces_are_known() {
        for source in [
            "type(value) == map",
            "type(timestamp) == google.protobuf.Timestamp",
            "base64.encode(b'x')",
            "math.greatest(1, 2)",
            "optional.of(1).hasValue()",
            "value.?a.orValue(1)",
        ] {
            compile(source).0.unwrap();
        }
    }
}
