//! Results of expressions as values without schema, and as JSON.

use berth_guest::{Builder, Tag, ValueRef};
use cel::common::ast::{EntryExpr, Expr, MapExpr};
use cel::common::types::{
    CelBool, CelBytes, CelDouble, CelDuration, CelInt, CelList, CelMap, CelMapKey, CelOptional, CelString,
    CelTimestamp, CelUInt, Kind,
};
use cel::common::value::Val;
use cel::{Context, ExecutionError, IdedExpr, Value};
use serde_json::Value as Json;

use crate::nested::is_null;
use crate::number;
use crate::path::Read;
use crate::program::path_slot;
use crate::shape::Shape;
use crate::view::{Found, View};

type Done = Result<(), ExecutionError>;

/// Containers within each other that a value may have.
const DEPTH: usize = berth_guest::limits::DEPTH;

/// Evaluates an expression and writes what it gives. Maps and lists that the expression spells are written as they
/// are spelt, in that order, and fields of the record are copied.
pub fn write(expr: &IdedExpr, view: &View<'_>, context: &Context<'_, '_>, out: &mut Builder<'_>) -> Done {
    match &expr.expr {
        Expr::Map(map) if map.entries.iter().all(is_plain) => write_map(map, view, context, out),
        Expr::List(list) if list.optional_indices.is_empty() => {
            open(Tag::Array, out)?;
            list.elements.iter().try_for_each(|element| write(element, view, context, out))?;
            out.close_array();
            Ok(())
        }
        _ => match path_slot(expr).and_then(|slot| view.paths.get(slot)).filter(|path| path.read == Read::Value) {
            Some(path) if matches!(view.find(path), Ok(Found::Value(..))) => {
                let Ok(Found::Value(value, shape)) = view.find(path) else { return Ok(()) };
                copy(value, shape, out)
            }
            _ => write_val(&*Value::resolve_val(expr, context)?, out),
        },
    }
}

fn is_plain(entry: &cel::common::ast::IdedEntryExpr) -> bool {
    matches!(&entry.expr, EntryExpr::MapEntry(entry) if !entry.optional)
}

fn write_map(map: &MapExpr, view: &View<'_>, context: &Context<'_, '_>, out: &mut Builder<'_>) -> Done {
    open(Tag::Map, out)?;
    let mut keys: Vec<CelMapKey<'_>> = Vec::with_capacity(map.entries.len());
    for entry in &map.entries {
        let EntryExpr::MapEntry(entry) = &entry.expr else { continue };
        let key: CelMapKey<'_> = Value::resolve_val(&entry.key, context)?.try_into()?;
        if keys.contains(&key) {
            return Err(ExecutionError::DuplicateKey(cel::objects::Key::from(key).into()));
        }
        write_val(key.inner(), out)?;
        keys.push(key);
        write(&entry.value, view, context, out)?;
    }
    out.close_map();
    Ok(())
}

fn open(tag: Tag, out: &mut Builder<'_>) -> Done {
    if out.depth() >= DEPTH {
        return Err(refused(format!("more than {DEPTH} lists and maps within each other")));
    }
    out.open(tag);
    Ok(())
}

fn refused(message: String) -> ExecutionError {
    ExecutionError::function_error("result", message)
}

/// Copies a field of the record to where there is no schema: structs become maps, and what only a schema tells from a
/// number becomes one.
fn copy(value: ValueRef<'_>, shape: &Shape, out: &mut Builder<'_>) -> Done {
    match (value.tag, shape) {
        (Tag::Struct, _) => {
            open(Tag::Map, out)?;
            for ((name, shape), item) in shape.fields().iter().zip(value.items()) {
                out.str(name);
                copy(item, shape, out)?;
            }
            out.close_map();
        }
        (Tag::Array, Shape::Array(element)) => {
            open(Tag::Array, out)?;
            value.items().try_for_each(|item| copy(item, element, out))?;
            out.close_array();
        }
        (Tag::Map, Shape::Map(element)) => {
            open(Tag::Map, out)?;
            for (key, item) in value.entries() {
                out.value(key);
                copy(item, element, out)?;
            }
            out.close_map();
        }
        (Tag::Date, _) => out.i64(value.int().unwrap_or(0)),
        (Tag::Decimal, _) => out.f64(number::to_double(value)),
        (Tag::Raw, _) => out.bytes(value.payload),
        // What comes from a value without schema is as deep as that may be, and may now lie deeper.
        (Tag::Array | Tag::Map, _) if out.depth() > 0 => copy_checked(value, out)?,
        _ => out.value(value),
    }
    Ok(())
}

fn copy_checked(value: ValueRef<'_>, out: &mut Builder<'_>) -> Done {
    if depth(value) + out.depth() > DEPTH {
        return Err(refused(format!("more than {DEPTH} lists and maps within each other")));
    }
    out.value(value);
    Ok(())
}

fn depth(value: ValueRef<'_>) -> usize {
    match value.tag {
        Tag::Array | Tag::Map | Tag::Struct => 1 + value.items().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Writes a value of CEL; maps in the order of their keys.
pub fn write_val(value: &dyn Val, out: &mut Builder<'_>) -> Done {
    if is_null(value) {
        out.null();
        return Ok(());
    }
    let unknown = || refused(format!("a {} can't be stored: make a text of it", value.get_type().name()));
    match value.get_type().kind() {
        Kind::Boolean => out.boolean(*value.downcast_ref::<CelBool>().ok_or_else(unknown)?.inner()),
        Kind::Int | Kind::UInt => out.i64(int(value).ok_or_else(|| refused(TOO_LARGE.to_string()))?),
        Kind::Double => out.f64(*value.downcast_ref::<CelDouble>().ok_or_else(unknown)?.inner()),
        Kind::String => out.str(value.downcast_ref::<CelString>().ok_or_else(unknown)?.inner()),
        Kind::Bytes => out.bytes(value.downcast_ref::<CelBytes>().ok_or_else(unknown)?.inner()),
        Kind::Timestamp => out.i64(instant(value).ok_or_else(unknown)?),
        Kind::Duration => out.str(&seconds(value.downcast_ref::<CelDuration>().ok_or_else(unknown)?)),
        Kind::List => with_list(value, |items| {
            open(Tag::Array, out)?;
            items.iter().try_for_each(|item| write_val(&**item, out))?;
            out.close_array();
            Ok(())
        })
        .unwrap_or_else(|| Err(unknown()))?,
        Kind::Map => with_map(value, |entries| {
            open(Tag::Map, out)?;
            for (key, item) in entries {
                write_val(key.inner(), out)?;
                write_val(*item, out)?;
            }
            out.close_map();
            Ok(())
        })
        .unwrap_or_else(|| Err(unknown()))?,
        _ => match value.downcast_ref::<CelOptional>().and_then(|optional| optional.option()) {
            Some(inner) => write_val(inner, out)?,
            None => return Err(unknown()),
        },
    }
    Ok(())
}

const TOO_LARGE: &str = "an unsigned number above 9223372036854775807 can't be stored: make a text of it";

/// An int, or a uint that an int holds.
pub fn int(value: &dyn Val) -> Option<i64> {
    match value.downcast_ref::<CelInt>() {
        Some(int) => Some(*int.inner()),
        None => value.downcast_ref::<CelUInt>().and_then(|uint| i64::try_from(*uint.inner()).ok()),
    }
}

/// Milliseconds since the epoch of a timestamp.
pub fn instant(value: &dyn Val) -> Option<i64> {
    value.downcast_ref::<CelTimestamp>().map(|instant| instant.inner().timestamp_millis())
}

/// A duration as CEL writes it: `1.5s`.
pub fn seconds(duration: &CelDuration) -> String {
    let ms = duration.inner().num_milliseconds();
    match ms % 1_000 {
        0 => format!("{}s", ms / 1_000),
        _ => format!("{}s", ms as f64 / 1_000.0),
    }
}

/// The items of a list, wherever it lies.
pub fn with_list<T>(value: &dyn Val, work: impl FnOnce(&[Box<dyn Val + '_>]) -> T) -> Option<T> {
    if let Some(list) = value.downcast_ref::<CelList>() {
        return Some(work(list.inner()));
    }
    let solid = value.clone_as_boxed();
    solid.downcast_ref::<CelList>().map(|list| work(list.inner()))
}

/// A key of a map and its value.
pub type MapEntry<'m> = (&'m CelMapKey<'m>, &'m (dyn Val + 'm));

/// The entries of a map in the order of their keys, wherever it lies.
pub fn with_map<T>(value: &dyn Val, work: impl FnOnce(&[MapEntry<'_>]) -> T) -> Option<T> {
    let solid;
    let map = match value.downcast_ref::<CelMap>() {
        Some(map) => map,
        None => {
            solid = value.clone_as_boxed();
            solid.downcast_ref::<CelMap>()?
        }
    };
    let mut entries: Vec<MapEntry<'_>> = map.inner().iter().map(|(key, item)| (key, &**item)).collect();
    entries.sort_by(|a, b| a.0.cmp(b.0));
    Some(work(&entries))
}

/// A value of CEL as JSON; what it can't hold is the error's text.
pub fn to_json(value: &dyn Val) -> Result<Json, String> {
    if is_null(value) {
        return Ok(Json::Null);
    }
    let unknown = || format!("a {} has no JSON: make a text of it", value.get_type().name());
    let text = |text: Option<String>| text.map(Json::String).ok_or_else(unknown);
    match value.get_type().kind() {
        Kind::Boolean => value.downcast_ref::<CelBool>().map(|b| Json::Bool(*b.inner())).ok_or_else(unknown),
        Kind::Int => value.downcast_ref::<CelInt>().map(|n| Json::from(*n.inner())).ok_or_else(unknown),
        Kind::UInt => value.downcast_ref::<CelUInt>().map(|n| Json::from(*n.inner())).ok_or_else(unknown),
        Kind::Double => {
            let double = *value.downcast_ref::<CelDouble>().ok_or_else(unknown)?.inner();
            serde_json::Number::from_f64(double).map(Json::Number).ok_or_else(|| format!("{double} has no JSON"))
        }
        Kind::String => text(value.downcast_ref::<CelString>().map(|text| text.inner().to_string())),
        Kind::Timestamp => text(value.downcast_ref::<CelTimestamp>().map(|t| t.inner().to_utc().to_rfc3339())),
        Kind::Duration => text(value.downcast_ref::<CelDuration>().map(seconds)),
        Kind::List => with_list(value, |items| items.iter().map(|item| to_json(&**item)).collect())
            .unwrap_or_else(|| Err(unknown())),
        Kind::Map => with_map(value, |entries| {
            let member = |(key, item): &MapEntry<'_>| Ok((key_text(key), to_json(*item)?));
            entries.iter().map(member).collect::<Result<_, String>>().map(Json::Object)
        })
        .unwrap_or_else(|| Err(unknown())),
        _ => match value.downcast_ref::<CelOptional>().and_then(|optional| optional.option()) {
            Some(inner) => to_json(inner),
            None => Err(unknown()),
        },
    }
}

/// A key as JSON names a member.
pub fn key_text(key: &CelMapKey<'_>) -> String {
    match key {
        CelMapKey::String(text) => text.inner().to_string(),
        CelMapKey::Int(int) => int.inner().to_string(),
        CelMapKey::UInt(uint) => uint.inner().to_string(),
        CelMapKey::Bool(bool) => bool.inner().to_string(),
    }
}
