//! Fields that are set or removed, as a tree of their names, and what that makes of maps.

use berth_guest::{Builder, Error, Result, Tag, ValueRef};

use crate::failure::{kind, of_program};
use crate::program::Program;
use crate::scope::Scope;

/// What becomes of a field.
#[derive(Debug)]
pub enum Edit {
    Remove,
    /// The number of the assignment that sets it.
    Set(usize),
    Within(Edits),
}

/// What becomes of the fields of a map or struct, by name.
#[derive(Debug, Default)]
pub struct Edits {
    pub fields: Vec<(String, Edit)>,
}

impl Edits {
    /// Adds an edit; names in `path` are parted by dots.
    pub fn add(&mut self, path: &str, edit: Edit) -> std::result::Result<(), String> {
        let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
        if name.is_empty() {
            return Err("a name in the path is empty: write names with dots between them".to_string());
        }
        let place = self.fields.iter().position(|(field, _)| field == name);
        match (place.map(|i| &mut self.fields[i].1), rest) {
            (Some(Edit::Within(within)), Some(rest)) => within.add(rest, edit),
            (Some(_), _) => Err(format!("{name} is set or removed already, as a whole or in part")),
            (None, Some(rest)) => {
                let mut within = Edits::default();
                within.add(rest, edit)?;
                self.fields.push((name.to_string(), Edit::Within(within)));
                Ok(())
            }
            (None, None) => {
                self.fields.push((name.to_string(), edit));
                Ok(())
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    pub fn find(&self, name: &[u8]) -> Option<&Edit> {
        self.fields.iter().find(|(field, _)| field.as_bytes() == name).map(|(_, edit)| edit)
    }

    fn sets(&self) -> bool {
        self.fields.iter().any(|(_, edit)| match edit {
            Edit::Remove => false,
            Edit::Set(_) => true,
            Edit::Within(within) => within.sets(),
        })
    }
}

/// Writes a map with its edits; `at` is its path, for messages.
pub fn write_map(
    edits: &Edits,
    assignments: &[Program],
    map: ValueRef<'_>,
    at: &str,
    scope: &Scope<'_>,
    out: &mut Builder<'_>,
) -> Result<()> {
    out.open(Tag::Map);
    for (key, item) in map.entries() {
        match edits.find(key.payload).filter(|_| key.tag == Tag::String) {
            None => {
                out.value(key);
                out.value(item);
            }
            Some(Edit::Remove) => {}
            Some(Edit::Set(number)) => {
                out.value(key);
                scope.write(&assignments[*number], out)?;
            }
            Some(Edit::Within(within)) => {
                out.value(key);
                let at = format!("{at}.{}", key.str().unwrap_or_default());
                write_within(within, assignments, item, &at, scope, out)?;
            }
        }
    }
    add_new(edits, assignments, map, at, scope, out)?;
    out.close_map();
    Ok(())
}

fn write_within(
    edits: &Edits,
    assignments: &[Program],
    item: ValueRef<'_>,
    at: &str,
    scope: &Scope<'_>,
    out: &mut Builder<'_>,
) -> Result<()> {
    match item.tag {
        Tag::Map => write_map(edits, assignments, item, at, scope, out),
        Tag::Null if edits.sets() => write_map(edits, assignments, EMPTY_MAP, at, scope, out),
        _ if !edits.sets() => {
            out.value(item);
            Ok(())
        }
        _ => Err(no_fields(edits, assignments, at, item)),
    }
}

/// A map without entries: its count alone.
const EMPTY_MAP: ValueRef<'static> = ValueRef { tag: Tag::Map, payload: &[0; 4] };

fn add_new(
    edits: &Edits,
    assignments: &[Program],
    map: ValueRef<'_>,
    at: &str,
    scope: &Scope<'_>,
    out: &mut Builder<'_>,
) -> Result<()> {
    for (name, edit) in edits.fields.iter().filter(|(name, _)| map.get(name).is_none()) {
        match edit {
            Edit::Set(number) => {
                out.str(name);
                scope.write(&assignments[*number], out)?;
            }
            Edit::Within(within) if within.sets() => {
                out.str(name);
                write_map(within, assignments, EMPTY_MAP, &format!("{at}.{name}"), scope, out)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// The error of setting a field in what has none.
pub fn no_fields(edits: &Edits, assignments: &[Program], at: &str, found: ValueRef<'_>) -> Error {
    let remedy = match found.tag {
        Tag::String | Tag::Bytes | Tag::Raw => "use a converter that reads it, or value: parseJson(value) before",
        _ => "set it as a whole",
    };
    let message = format!("{at} is {}, only maps and structs have fields; {remedy}", kind(found));
    match first_set(edits) {
        Some(number) => of_program(&assignments[number], &message),
        None => Error::data(format!("remove: {message}")),
    }
}

fn first_set(edits: &Edits) -> Option<usize> {
    edits.fields.iter().find_map(|(_, edit)| match edit {
        Edit::Remove => None,
        Edit::Set(number) => Some(*number),
        Edit::Within(within) => first_set(within),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_edited_once() {
        let mut edits = Edits::default();
        edits.add("a.b", Edit::Set(0)).unwrap();
        edits.add("a.c", Edit::Remove).unwrap();
        edits.add("d", Edit::Set(1)).unwrap();
        for path in ["a", "a.b", "a.b.c", "d", "d.e", "", "e.", ".e"] {
            assert!(edits.add(path, Edit::Remove).is_err(), "{path}");
        }
        assert_eq!(edits.fields.len(), 2);
    }
}
