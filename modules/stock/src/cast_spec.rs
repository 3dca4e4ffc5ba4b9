//! The key `spec` of Cast: `field:type,…`, or one type for the whole key or value.

use berth_guest::{split_list, trim, Type};

/// Types that values can be cast to.
const TARGETS: [Type; 8] =
    [Type::Int8, Type::Int16, Type::Int32, Type::Int64, Type::Float32, Type::Float64, Type::Boolean, Type::String];

#[derive(Clone, Debug, PartialEq)]
pub enum CastSpec {
    /// The whole key or value.
    Whole(Type),
    /// Fields by name, each once.
    Fields(Vec<(String, Type)>),
}

impl CastSpec {
    /// Reads the key's value; errors are whole messages of Connect's ConfigException.
    pub fn parse(text: Option<&str>) -> Result<CastSpec, String> {
        let mappings = split_list(text.unwrap_or_default());
        let mut whole = None;
        let mut fields: Vec<(String, Type)> = Vec::new();
        for mapping in &mappings {
            // Java's split leaves trailing empty parts out.
            let parts: Vec<&str> = mapping.trim_end_matches(':').split(':').map(trim).collect();
            match parts[..] {
                [kind] => whole = Some(target(kind)?),
                [field, kind] => {
                    let kind = target(kind)?;
                    match fields.iter_mut().find(|(known, _)| known == field) {
                        Some((_, known)) => *known = kind,
                        None => fields.push((field.to_string(), kind)),
                    }
                }
                _ => return Err(too_many_parts(&mappings, mapping)),
            }
        }
        match whole {
            Some(kind) if mappings.len() == 1 => Ok(CastSpec::Whole(kind)),
            Some(_) => Err("Cast transformations that specify a type to cast the entire value to may only specify a \
                            single cast in their spec"
                .into()),
            None if mappings.is_empty() => Err("Must specify at least one field to cast.".into()),
            None => Ok(CastSpec::Fields(fields)),
        }
    }
}

/// Connect words this as an error of a key of ReplaceField.
fn too_many_parts(mappings: &[String], mapping: &str) -> String {
    let all = mappings.join(", ");
    format!("Invalid value [{all}] for configuration renames: Invalid rename mapping: {mapping}")
}

fn target(name: &str) -> Result<Type, String> {
    let constant = name.to_uppercase();
    let Some(kind) = Type::of_name(&constant) else {
        return Err(format!(
            "Invalid value java.lang.IllegalArgumentException: No enum constant \
             org.apache.kafka.connect.data.Schema.Type.{constant} for configuration Invalid type found in casting \
             spec: {name}"
        ));
    };
    match TARGETS.contains(&kind) {
        true => Ok(kind),
        false => {
            let targets = TARGETS.map(Type::name).join(", ");
            Err(format!("Cast transformation does not support casting to {kind}; supported types are [{targets}]"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_or_the_whole_are_cast() {
        let fields = |all: &[(&str, Type)]| CastSpec::Fields(all.iter().map(|(f, t)| (f.to_string(), *t)).collect());
        let cases = [
            (" int8 ", CastSpec::Whole(Type::Int8)),
            ("String:", CastSpec::Whole(Type::String)),
            ("a : FLOAT32, b.c:boolean", fields(&[("a", Type::Float32), ("b.c", Type::Boolean)])),
            ("a:int8,b:int8,a:int64:", fields(&[("a", Type::Int64), ("b", Type::Int8)])),
            (":int8", fields(&[("", Type::Int8)])),
        ];
        for (text, want) in cases {
            assert_eq!(CastSpec::parse(Some(text)), Ok(want), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_the_words_of_connect() {
        let no_constant = "Invalid value java.lang.IllegalArgumentException: No enum constant \
                           org.apache.kafka.connect.data.Schema.Type.";
        let cases = [
            (None, "Must specify at least one field to cast.".to_string()),
            (Some(""), "Must specify at least one field to cast.".to_string()),
            (
                Some("a:int8:b, c"),
                "Invalid value [a:int8:b, c] for configuration renames: Invalid rename mapping: a:int8:b".into(),
            ),
            (
                Some("a:bytes"),
                "Cast transformation does not support casting to BYTES; supported types are \
                 [INT8, INT16, INT32, INT64, FLOAT32, FLOAT64, BOOLEAN, STRING]"
                    .into(),
            ),
            (
                Some("int8,a:int8"),
                "Cast transformations that specify a type to cast the entire value to may only specify a single cast \
                 in their spec"
                    .into(),
            ),
            (Some("a:long"), format!("{no_constant}LONG for configuration Invalid type found in casting spec: long")),
            (Some(":"), format!("{no_constant} for configuration Invalid type found in casting spec: ")),
        ];
        for (text, want) in cases {
            assert_eq!(CastSpec::parse(text), Err(want));
        }
    }
}
