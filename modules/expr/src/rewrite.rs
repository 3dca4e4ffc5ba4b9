//! Replaces what an expression reads of a record by numbered paths, and finds names that nothing has.
//!
//! In `value.a.b > 1` the tree of `value.a.b` becomes the one identifier `@0`, which the record answers at once. CEL
//! would take it apart for every record, look for a variable named `value.a.b`, and make a value of all of `value`.

use cel::common::ast::{operators, CallExpr, EntryExpr, Expr, IdedEntryExpr, LiteralValue, SelectExpr};
use cel::IdedExpr;

use crate::language::{is_function, is_qualified_function, is_type, SOLID};
use crate::path::{slot_name, slot_of, Path, Read, Root, Step, ROOTS};

/// Expressions within each other; beyond, evaluation could run out of stack.
const DEPTH: usize = 128;

/// What is wrong with an expression, and the node that it is about.
#[derive(Debug, PartialEq)]
pub struct Complaint {
    pub id: u64,
    pub text: String,
}

/// Rewrites an expression; paths are appended, and shared if they are there already.
pub fn rewrite(expr: &mut IdedExpr, paths: &mut Vec<Path>) -> Result<(), Complaint> {
    Rewriter { paths, shadows: Vec::new(), depth: 0 }.expr(expr)
}

struct Rewriter<'p> {
    paths: &'p mut Vec<Path>,
    /// Variables of loops that are around.
    shadows: Vec<String>,
    depth: usize,
}

impl Rewriter<'_> {
    fn expr(&mut self, expr: &mut IdedExpr) -> Result<(), Complaint> {
        if self.depth == DEPTH {
            let text = format!("more than {DEPTH} expressions within each other: divide it among several transforms");
            return Err(Complaint { id: expr.id, text });
        }
        self.depth += 1;
        let done = self.node(expr);
        self.depth -= 1;
        done
    }

    fn node(&mut self, expr: &mut IdedExpr) -> Result<(), Complaint> {
        if let Some(path) = self.path(expr) {
            self.put(expr, path);
            return Ok(());
        }
        let id = expr.id;
        match &mut expr.expr {
            Expr::Select(select) if select.test => match self.path(&select.operand) {
                Some(path) => {
                    let path = path.step(Step::Name(select.field.clone())).read(Read::Presence);
                    self.put(expr, path);
                    Ok(())
                }
                None => self.expr(&mut select.operand),
            },
            Expr::Select(select) if qualified_name(select).is_some_and(|name| is_type(&name)) => Ok(()),
            Expr::Select(select) => self.expr(&mut select.operand),
            Expr::Ident(name) => self.known(id, name),
            Expr::Call(call) => self.call(id, call),
            Expr::List(list) => list.elements.iter_mut().try_for_each(|element| self.expr(element)),
            Expr::Map(map) => map.entries.iter_mut().try_for_each(|entry| self.entry(entry)),
            Expr::Struct(made) => {
                let text = format!("there is no type {}: write a map, {{'name': value}}", made.type_name);
                Err(Complaint { id, text })
            }
            Expr::Comprehension(_) => self.comprehension(expr),
            Expr::Literal(_) | Expr::Unspecified => Ok(()),
        }
    }

    fn put(&mut self, expr: &mut IdedExpr, path: Path) {
        let slot = self.paths.iter().position(|p| *p == path).unwrap_or_else(|| {
            self.paths.push(path);
            self.paths.len() - 1
        });
        expr.expr = Expr::Ident(slot_name(slot));
    }

    /// The path that an expression spells, from a variable of the record.
    fn path(&self, expr: &IdedExpr) -> Option<Path> {
        match &expr.expr {
            Expr::Ident(name) if !self.is_shadowed(name) => Root::of_name(name).map(Path::new),
            Expr::Select(select) if !select.test => {
                let path = self.path(&select.operand).filter(leads_on)?;
                Some(path.step(Step::Name(select.field.clone())))
            }
            Expr::Call(call) if call.func_name == operators::INDEX => {
                let [operand, index] = &call.args[..] else { return None };
                let step = match &index.expr {
                    Expr::Literal(LiteralValue::String(name)) => Step::Name(name.inner().to_string()),
                    Expr::Literal(LiteralValue::Int(at)) => Step::At(u32::try_from(*at.inner()).ok()?),
                    _ => return None,
                };
                let path = self.path(operand).filter(leads_on)?;
                (path.root != Root::Headers || matches!(step, Step::Name(_)) || !path.steps.is_empty())
                    .then(|| path.step(step))
            }
            _ => None,
        }
    }

    fn is_shadowed(&self, name: &str) -> bool {
        self.shadows.iter().any(|shadow| shadow == name)
    }

    fn known(&self, id: u64, name: &str) -> Result<(), Complaint> {
        if self.is_shadowed(name) || slot_of(name).is_some() || is_type(name) {
            return Ok(());
        }
        let names: Vec<&str> = ROOTS.iter().map(|(name, _)| *name).collect();
        let text = format!("no variable is named {name}; there are {}", names.join(", "));
        Err(Complaint { id, text })
    }

    fn call(&mut self, id: u64, call: &mut CallExpr) -> Result<(), Complaint> {
        let mut namespace = None;
        if let Some(Expr::Ident(name)) = call.target.as_ref().map(|t| &t.expr) {
            let free = !self.is_shadowed(name) && Root::of_name(name).is_none();
            namespace = (free && is_qualified_function(name, &call.func_name)).then(|| name.clone());
        }
        if namespace.is_none() && call.func_name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let member = call.target.is_some();
            if !is_function(&call.func_name, member) {
                let (kind, name) = (if member { "method" } else { "function" }, &call.func_name);
                return Err(Complaint { id, text: format!("no {kind} is named {name}") });
            }
        }
        self.special(call);
        if let Some(target) = call.target.as_mut().filter(|_| namespace.is_none()) {
            self.expr(target)?;
        }
        call.args.iter_mut().try_for_each(|arg| self.expr(arg))
    }

    /// Calls that read their arguments in their own way.
    fn special(&mut self, call: &mut CallExpr) {
        match call.func_name.as_str() {
            "coalesce" if call.target.is_none() => call.args.iter_mut().for_each(|arg| self.read(arg, Read::OrNull)),
            "string" if call.target.is_none() => call.args.iter_mut().for_each(|arg| self.read(arg, Read::Exact)),
            operators::EQUALS | operators::NOT_EQUALS => {
                let [left, right] = &mut call.args[..] else { return };
                if !self.compares_with_anything(left) && !is_scalar(right) {
                    make_solid(right);
                }
            }
            operators::IN => {
                let [wanted, within] = &mut call.args[..] else { return };
                if !self.compares_with_anything(within) && !is_list_of_scalars(within) && !is_scalar(wanted) {
                    make_solid(wanted);
                }
            }
            _ => {}
        }
    }

    fn read(&mut self, arg: &mut IdedExpr, read: Read) {
        if let Some(path) = self.path(arg) {
            self.put(arg, path.read(read));
        }
    }

    /// A list or map in the batch knows CEL's own; CEL's own do not know those in the batch.
    fn compares_with_anything(&self, left: &IdedExpr) -> bool {
        is_scalar(left) || self.path(left).is_some()
    }

    fn entry(&mut self, entry: &mut IdedEntryExpr) -> Result<(), Complaint> {
        match &mut entry.expr {
            EntryExpr::StructField(field) => self.expr(&mut field.value),
            EntryExpr::MapEntry(entry) => {
                self.expr(&mut entry.key)?;
                self.expr(&mut entry.value)
            }
        }
    }

    fn comprehension(&mut self, expr: &mut IdedExpr) -> Result<(), Complaint> {
        let Expr::Comprehension(all) = &mut expr.expr else { return Ok(()) };
        self.expr(&mut all.iter_range)?;
        self.expr(&mut all.accu_init)?;
        let before = self.shadows.len();
        self.shadows.extend([all.iter_var.clone(), all.accu_var.clone()]);
        self.shadows.extend(all.iter_var2.clone());
        let parts = [&mut all.loop_cond, &mut all.loop_step, &mut all.result];
        let done = parts.into_iter().try_for_each(|part| self.expr(part));
        self.shadows.truncate(before);
        done
    }
}

/// Whether a value may lie within what the path leads to.
fn leads_on(path: &Path) -> bool {
    matches!(path.root, Root::Key | Root::Value | Root::Headers)
}

fn is_scalar(expr: &IdedExpr) -> bool {
    matches!(expr.expr, Expr::Literal(_))
}

fn is_list_of_scalars(expr: &IdedExpr) -> bool {
    matches!(&expr.expr, Expr::List(list) if list.elements.iter().all(is_scalar))
}

fn make_solid(expr: &mut IdedExpr) {
    let id = expr.id;
    let arg = std::mem::take(expr);
    let call = CallExpr { func_name: SOLID.to_string(), target: None, args: vec![arg] };
    *expr = IdedExpr { id, expr: Expr::Call(call) };
}

fn qualified_name(select: &SelectExpr) -> Option<String> {
    let parent = match &select.operand.expr {
        Expr::Ident(name) => name.clone(),
        Expr::Select(parent) if !parent.test => qualified_name(parent)?,
        _ => return None,
    };
    Some(format!("{parent}.{}", select.field))
}
