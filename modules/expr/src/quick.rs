//! Conditions that need no CEL: comparisons of what is read with literals, joined by `&&`, `||` and `!`.
//!
//! They are what most filters consist of, and take a tenth of the time. Whatever is not plain here (a field that is
//! missing, types that differ, a number that a double can't hold) is left to CEL, which then answers or fails.

use std::cmp::Ordering;

use berth_guest::{Tag, ValueRef};
use cel::common::ast::{operators, CallExpr, Expr, LiteralValue};
use cel::IdedExpr;

use crate::path::{Path, Read, Root};
use crate::program::path_slot;
use crate::view::{Found, View};

/// Integers up to here are doubles without loss.
const EXACT: i64 = 1 << 53;

/// A condition.
#[derive(Debug)]
pub enum Quick {
    Compare(usize, Test, Literal),
    In(usize, Vec<Literal>),
    Text(usize, TextTest, String),
    Present(usize),
    And(Box<Quick>, Box<Quick>),
    Or(Box<Quick>, Box<Quick>),
    Not(Box<Quick>),
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

/// Methods of texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextTest {
    StartsWith,
    EndsWith,
    Contains,
}

/// What a value is compared with.
#[derive(Debug)]
pub enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
}

impl Quick {
    /// The condition that an expression is; `None`: CEL has to evaluate it.
    pub fn of(expr: &IdedExpr, paths: &[Path]) -> Option<Quick> {
        if let Some(slot) = path_slot(expr) {
            return (paths.get(slot)?.read == Read::Presence).then_some(Quick::Present(slot));
        }
        let Expr::Call(call) = &expr.expr else { return None };
        let part = |i: usize| Quick::of(&call.args[i], paths).map(Box::new);
        match (call.func_name.as_str(), call.args.len()) {
            (operators::LOGICAL_AND, 2) => Some(Quick::And(part(0)?, part(1)?)),
            (operators::LOGICAL_OR, 2) => Some(Quick::Or(part(0)?, part(1)?)),
            (operators::LOGICAL_NOT, 1) => Some(Quick::Not(part(0)?)),
            (operators::IN, 2) => is_in(call, paths),
            (_, 1) => of_text(call, paths),
            (_, 2) => comparison(call, paths),
            _ => None,
        }
    }

    /// What the condition says of a record; `None`: CEL has to say it.
    #[inline]
    pub fn test(&self, view: &View<'_>) -> Option<bool> {
        match self {
            Quick::Compare(slot, test, literal) => Subject::new(*slot, view)?.compare(*test, literal),
            Quick::In(slot, literals) => {
                let subject = Subject::new(*slot, view)?;
                literals.iter().try_fold(false, |found, literal| Some(found | subject.compare(Test::Equal, literal)?))
            }
            Quick::Text(slot, test, text) => Subject::new(*slot, view)?.text().map(|subject| test.holds(subject, text)),
            Quick::Present(slot) => Some(view.is_present(&view.paths[*slot])),
            Quick::And(left, right) => match left.test(view)? {
                true => right.test(view),
                false => Some(false),
            },
            Quick::Or(left, right) => match left.test(view)? {
                true => Some(true),
                false => right.test(view),
            },
            Quick::Not(inner) => inner.test(view).map(|said| !said),
        }
    }
}

fn comparison(call: &CallExpr, paths: &[Path]) -> Option<Quick> {
    let test = match call.func_name.as_str() {
        operators::EQUALS => Test::Equal,
        operators::NOT_EQUALS => Test::NotEqual,
        operators::LESS => Test::Less,
        operators::LESS_EQUALS => Test::LessEqual,
        operators::GREATER => Test::Greater,
        operators::GREATER_EQUALS => Test::GreaterEqual,
        _ => return None,
    };
    let [left, right] = &call.args[..] else { return None };
    match (value_slot(left, paths), value_slot(right, paths)) {
        (Some(slot), _) => Some(Quick::Compare(slot, test, literal(right)?)),
        (_, Some(slot)) => Some(Quick::Compare(slot, test.flipped(), literal(left)?)),
        _ => None,
    }
}

fn is_in(call: &CallExpr, paths: &[Path]) -> Option<Quick> {
    let Expr::List(list) = &call.args[1].expr else { return None };
    let slot = value_slot(&call.args[0], paths)?;
    (list.optional_indices.is_empty()).then_some(())?;
    Some(Quick::In(slot, list.elements.iter().map(literal).collect::<Option<_>>()?))
}

fn of_text(call: &CallExpr, paths: &[Path]) -> Option<Quick> {
    let test = match call.func_name.as_str() {
        "startsWith" => TextTest::StartsWith,
        "endsWith" => TextTest::EndsWith,
        "contains" => TextTest::Contains,
        _ => return None,
    };
    match (value_slot(call.target.as_deref()?, paths), literal(&call.args[0])) {
        (Some(slot), Some(Literal::Text(text))) => Some(Quick::Text(slot, test, text)),
        _ => None,
    }
}

fn value_slot(expr: &IdedExpr, paths: &[Path]) -> Option<usize> {
    path_slot(expr).filter(|slot| paths.get(*slot).is_some_and(|path| path.read == Read::Value))
}

fn literal(expr: &IdedExpr) -> Option<Literal> {
    match &expr.expr {
        Expr::Literal(LiteralValue::Null) => Some(Literal::Null),
        Expr::Literal(LiteralValue::Boolean(b)) => Some(Literal::Bool(*b.inner())),
        Expr::Literal(LiteralValue::Int(n)) => Some(Literal::Int(*n.inner())),
        Expr::Literal(LiteralValue::Double(n)) => Some(Literal::Double(*n.inner())),
        Expr::Literal(LiteralValue::String(text)) => Some(Literal::Text(text.inner().to_string())),
        _ => None,
    }
}

impl Test {
    fn flipped(self) -> Test {
        match self {
            Test::Less => Test::Greater,
            Test::LessEqual => Test::GreaterEqual,
            Test::Greater => Test::Less,
            Test::GreaterEqual => Test::LessEqual,
            same => same,
        }
    }

    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Test::Equal => ordering.is_eq(),
            Test::NotEqual => ordering.is_ne(),
            Test::Less => ordering.is_lt(),
            Test::LessEqual => ordering.is_le(),
            Test::Greater => ordering.is_gt(),
            Test::GreaterEqual => ordering.is_ge(),
        }
    }

    fn is_equality(self) -> bool {
        matches!(self, Test::Equal | Test::NotEqual)
    }
}

impl TextTest {
    fn holds(self, subject: &str, text: &str) -> bool {
        match self {
            TextTest::StartsWith => subject.starts_with(text),
            TextTest::EndsWith => subject.ends_with(text),
            TextTest::Contains => subject.contains(text),
        }
    }
}

/// A scalar that was read.
enum Subject<'r> {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(&'r str),
}

impl<'r> Subject<'r> {
    #[inline]
    fn new(slot: usize, view: &View<'r>) -> Option<Subject<'r>> {
        let path = &view.paths[slot];
        match view.find(path).ok()? {
            Found::Value(value, _) => Subject::of_value(value),
            Found::Metadata => match path.root {
                Root::Topic => Some(Subject::Text(view.topic)),
                Root::Partition if view.entry.partition >= 0 => Some(Subject::Int(view.entry.partition.into())),
                Root::Offset if view.entry.offset >= 0 => Some(Subject::Int(view.entry.offset)),
                _ => None,
            },
        }
    }

    fn of_value(value: ValueRef<'r>) -> Option<Subject<'r>> {
        Some(match value.tag {
            Tag::Null => Subject::Null,
            Tag::Boolean => Subject::Bool(value.boolean()?),
            Tag::Int8 | Tag::Int16 | Tag::Int32 | Tag::Int64 => Subject::Int(value.int()?),
            Tag::Float32 => Subject::Double(value.float32()?.into()),
            Tag::Float64 => Subject::Double(value.float64()?),
            Tag::String => Subject::Text(value.str()?),
            _ => return None,
        })
    }

    fn text(&self) -> Option<&'r str> {
        match self {
            Subject::Text(text) => Some(text),
            _ => None,
        }
    }

    #[inline]
    fn compare(&self, test: Test, literal: &Literal) -> Option<bool> {
        let ordering = match (self, literal) {
            (Subject::Int(a), Literal::Int(b)) => a.cmp(b),
            (Subject::Double(a), Literal::Double(b)) => a.partial_cmp(b)?,
            (Subject::Int(a), Literal::Double(b)) => exact(*a)?.partial_cmp(b)?,
            (Subject::Double(a), Literal::Int(b)) => a.partial_cmp(&exact(*b)?)?,
            (Subject::Text(a), Literal::Text(b)) => (*a).cmp(b.as_str()),
            (Subject::Bool(a), Literal::Bool(b)) => a.cmp(b),
            (Subject::Null, Literal::Null) if test.is_equality() => Ordering::Equal,
            (Subject::Null, _) | (_, Literal::Null) if test.is_equality() => return Some(test == Test::NotEqual),
            _ => return None,
        };
        Some(test.holds(ordering))
    }
}

fn exact(int: i64) -> Option<f64> {
    (-EXACT..=EXACT).contains(&int).then_some(int as f64)
}
