//! What offsets a user may set, in the words of Kafka's FileStreamSourceConnector.

use berth_guest::{Altered, Config, Error, Result, Value};

pub(super) fn alter(config: &Config, offsets: &[(Value, Value)]) -> Result<Altered> {
    if config.get("file").is_none_or(str::is_empty) {
        return Err(Error::connect(
            "Offsets cannot be modified if the 'file' configuration is unspecified. This is because stdin is used for \
             input and offsets are not tracked.",
        ));
    }
    for (partition, offset) in offsets {
        check(partition, offset)?;
    }
    Ok(Altered::Everywhere)
}

fn check(partition: &Value, offset: &Value) -> Result<()> {
    if *offset == Value::Null {
        return Ok(()); // whatever is there may be deleted
    }
    let position = member(offset, "position");
    let problem = match position {
        None => "Offset objects should either be null or contain the key 'position'",
        Some(position) => match position.as_int() {
            None => "The value for the 'position' key in the offset is expected to be a Long value",
            Some(position) if position < 0 => {
                "The value for the 'position' key in the offset should be a non-negative value"
            }
            Some(_) if *partition == Value::Null => "Partition objects cannot be null",
            Some(_) if member(partition, "filename").is_none() => "Partition objects should contain the key 'filename'",
            Some(_) => return Ok(()),
        },
    };
    Err(Error::connect(problem))
}

/// A value of a map, which may be null; `None`: there is no such key.
fn member<'v>(map: &'v Value, key: &str) -> Option<&'v Value> {
    let Value::Map(entries) = map else { return None };
    entries.iter().find(|(name, _)| name.as_str() == Some(key)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config::from_value(&Value::map([("file", Value::str("/f"))]))
    }

    fn outcome(partition: Value, offset: Value) -> String {
        match alter(&config(), &[(partition, offset)]) {
            Ok(altered) => format!("{altered:?}"),
            Err(error) => error.message,
        }
    }

    #[test]
    fn offsets_of_a_file() {
        let file = || Value::map([("filename", Value::str("/f"))]);
        let position = |value: Value| Value::map([("position", value)]);
        for (partition, offset, want) in [
            (file(), position(Value::Int64(3)), "Everywhere"),
            (file(), Value::Null, "Everywhere"),
            (Value::Null, Value::Null, "Everywhere"),
            (file(), Value::map([]), "Offset objects should either be null or contain the key 'position'"),
            (
                file(),
                position(Value::str("3")),
                "The value for the 'position' key in the offset is expected to be a Long value",
            ),
            (
                file(),
                position(Value::Null),
                "The value for the 'position' key in the offset is expected to be a Long value",
            ),
            (
                file(),
                position(Value::Int64(-1)),
                "The value for the 'position' key in the offset should be a non-negative value",
            ),
            (Value::Null, position(Value::Int64(3)), "Partition objects cannot be null"),
            (Value::map([]), position(Value::Int64(3)), "Partition objects should contain the key 'filename'"),
        ] {
            assert_eq!(outcome(partition, offset), want);
        }
        assert!(alter(&Config::default(), &[]).is_err());
    }
}
