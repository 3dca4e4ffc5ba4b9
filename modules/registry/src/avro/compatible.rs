//! Whether data of one schema can be read with another (Avro's schema resolution).

use super::schema::{split_name, Avro, Kind};

/// Says why `reader` can't read what `writer` describes; `None`: it can.
pub fn problem(reader: &Avro, writer: &Avro) -> Option<String> {
    match (&reader.kind, &writer.kind) {
        (_, Kind::Union(members)) => members.iter().find_map(|member| problem(reader, member)),
        (Kind::Union(members), _) => {
            if members.iter().any(|member| problem(member, writer).is_none()) {
                return None;
            }
            Some(format!("the union has no member for {}", writer.type_name()))
        }
        (Kind::Record(fields), Kind::Record(given)) if same_name(reader, writer) => fields.iter().find_map(|field| {
            let from = given.iter().find(|g| g.name == field.name || field.aliases.contains(&g.name));
            match from {
                Some(from) => problem(&field.schema, &from.schema).map(|why| format!("field {}: {why}", field.name)),
                None if field.default.is_some() => None,
                None => Some(format!("field {} is missing and has no default", field.name)),
            }
        }),
        (Kind::Enum(symbols), Kind::Enum(given)) if same_name(reader, writer) => {
            let unknown = given.iter().find(|symbol| !symbols.contains(symbol))?;
            (!reader.props.contains_key("default")).then(|| format!("symbol {unknown} is not known"))
        }
        (Kind::Fixed(size), Kind::Fixed(given)) if size == given && same_name(reader, writer) => None,
        (Kind::Array(items), Kind::Array(given)) => problem(items, given),
        (Kind::Map(values), Kind::Map(given)) => problem(values, given),
        (a, b) if promotes(b, a) => None,
        _ => Some(format!("{} can't be read as {}", writer.type_name(), reader.type_name())),
    }
}

fn same_name(a: &Avro, b: &Avro) -> bool {
    split_name(a.type_name()).1 == split_name(b.type_name()).1
}

fn promotes(from: &Kind, to: &Kind) -> bool {
    use Kind::{Array, Bytes, Double, Enum, Fixed, Float, Int, Long, Map, Record, String};
    match (from, to) {
        (Int, Long | Float | Double) | (Long, Float | Double) | (Float, Double) => true,
        (String, Bytes) | (Bytes, String) => true,
        (Record(_) | Enum(_) | Fixed(_) | Array(_) | Map(_), _) => false,
        _ => from == to,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_resolve_as_avro_says() {
        let record = |fields: &str| format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#);
        let a = record(r#"{"name":"a","type":"int"}"#);
        for (reader, writer, want) in [
            (record(r#"{"name":"a","type":"long"}"#), a.clone(), None),
            (record(r#"{"name":"a","type":["null","int"]}"#), a.clone(), None),
            (record(r#"{"name":"b","type":"int","aliases":["a"]}"#), a.clone(), None),
            (record(r#"{"name":"b","type":"int"}"#), a.clone(), Some("field b is missing")),
            (record(r#"{"name":"b","type":"int","default":1}"#), a.clone(), None),
            (record(r#"{"name":"a","type":"string"}"#), a, Some("int can't be read as string")),
            (r#""int""#.into(), r#"["null","int"]"#.into(), Some("null can't be read as int")),
            (
                r#"{"type":"enum","name":"E","symbols":["A"]}"#.into(),
                r#"{"type":"enum","name":"E","symbols":["A","B"]}"#.into(),
                Some("symbol B"),
            ),
        ] {
            let (r, w) = (Avro::parse(&reader, &[]).unwrap(), Avro::parse(&writer, &[]).unwrap());
            let got = problem(&r, &w);
            match want {
                None => assert_eq!(got, None, "{reader} {writer}"),
                Some(want) => assert!(got.as_ref().is_some_and(|got| got.contains(want)), "{got:?}"),
            }
        }
    }
}
