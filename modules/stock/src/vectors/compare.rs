//! Whether an answer is the recorded one, with the freedom that the vectors grant.

use super::json::Json;

/// `None` if `got` is the vector's `result` (or that of JDK 25), else what differs.
pub fn difference(vector: &Json, got: &Json) -> Option<String> {
    let wanted = [vector.get("result"), vector.get("resultJdk25")];
    let count = 1 + vector.has("resultJdk25") as usize;
    if wanted[..count].iter().any(|want| same_result(want, got)) {
        return None;
    }
    Some(format!("want {}\n got  {got}", wanted[0]))
}

fn same_result(want: &Json, got: &Json) -> bool {
    let (Json::Object(want), Json::Object(_)) = (want, got) else { return want == got };
    // The readable form of bytes is no result of its own.
    let readable = |key: &str| key == "text" && want.iter().any(|(k, _)| k == "bytes");
    want.iter().all(|(key, want)| match key.as_str() {
        "error" => same_error(want, got.get("error")),
        _ if readable(key) => true,
        _ => got.has(key) && same(want, got.get(key)),
    })
}

fn same_error(want: &Json, got: &Json) -> bool {
    let class = |error: &Json| error.get("class").text().map(String::from);
    let message = |error: &Json| error.get("message").text().unwrap_or_default().to_string();
    let fits = |want: &Json, got: &Json| {
        class(want) == class(got) && (want.has("messageFrom") || same_text(&message(want), &message(got)))
    };
    let (wanted, given) = (want.get("causes").list(), got.get("causes").list());
    fits(want, got) && wanted.len() == given.len() && wanted.iter().zip(given).all(|(want, got)| fits(want, got))
}

/// Equal values, schemas or lists of them.
fn same(want: &Json, got: &Json) -> bool {
    match (canonical(want), canonical(got)) {
        (Json::Text(want), Json::Text(got)) => same_text(&want, &got),
        (want, got) => want == got,
    }
}

/// A line with what Connect would have said of a byte array where it has a ByteBuffer: the ABI has no buffers.
pub fn with_arrays_for_buffers(line: &str) -> String {
    if !line.contains(r#""t":"bytebuffer""#) {
        return line.to_string();
    }
    let mut parts = line.split("java.nio.HeapByteBuffer");
    let mut out = parts.next().unwrap_or_default().to_string();
    for part in parts {
        // A buffer's text tells its position, an array's its address.
        let (shown, rest) = match part.strip_prefix("[pos=").and_then(|position| position.split_once(']')) {
            Some((_, rest)) => ("[B@<identityHash>", rest),
            None => ("[B", part),
        };
        out += shown;
        out += rest;
    }
    out
}

/// Equal but for the addresses of objects.
pub fn same_text(want: &str, got: &str) -> bool {
    let Some((before, after)) = want.split_once("@<identityHash>") else { return want == got };
    let Some(rest) = got.strip_prefix(before).and_then(|rest| rest.strip_prefix('@')) else { return false };
    same_text(after, rest.trim_start_matches(|c: char| c.is_ascii_hexdigit()))
}

/// One form for what counts as equal: absent is null, maps have no order, reals are their bits.
fn canonical(json: &Json) -> Json {
    match json {
        Json::List(items) => Json::List(items.iter().map(canonical).collect()),
        Json::Object(_) if matches!(json.get("t").text(), Some("float32" | "float64")) => {
            Json::object([("t", json.get("t").clone()), ("bits", json.get("bits").clone())])
        }
        Json::Object(members) => {
            let is_map = json.get("t").text() == Some("map");
            let kept = members.iter().filter(|(key, value)| *value != Json::Null && !(is_map && key == "hash"));
            let mut kept: Vec<(String, Json)> = kept.map(|(key, value)| (key.clone(), canonical(value))).collect();
            if is_map {
                kept.iter_mut().filter(|(key, _)| key == "v").for_each(|(_, entries)| sort(entries));
            }
            kept.sort_by(|a, b| a.0.cmp(&b.0));
            Json::Object(kept)
        }
        other => other.clone(),
    }
}

fn sort(entries: &mut Json) {
    if let Json::List(entries) = entries {
        entries.sort_by_key(Json::to_string);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(line: &str, got: &str) -> bool {
        difference(&Json::parse(line).unwrap(), &Json::parse(got).unwrap()).is_none()
    }

    #[test]
    fn only_what_the_vectors_leave_open_is_left_open() {
        assert!(fits(r#"{"result":{"bytes":"YQ==","text":"a"}}"#, r#"{"bytes":"YQ=="}"#));
        assert!(!fits(r#"{"result":{"text":"a"}}"#, r#"{"bytes":"YQ=="}"#));
        assert!(fits(r#"{"result":{"text":"x@<identityHash>y"}}"#, r#"{"text":"x@1f0ay"}"#));
        assert!(!fits(r#"{"result":{"text":"x@<identityHash>y"}}"#, r#"{"text":"x@1f0az"}"#));
        assert!(fits(r#"{"result":{"text":"a"},"resultJdk25":{"text":"b"}}"#, r#"{"text":"b"}"#));
        let error = r#"{"result":{"error":{"class":"C","message":"m","messageFrom":"jdk"}}}"#;
        assert!(fits(error, r#"{"error":{"class":"C","message":"other"}}"#));
        assert!(!fits(error, r#"{"error":{"class":"D","message":"m"}}"#));
        let map = r#"{"result":{"value":{"t":"map","hash":true,"v":[[1,2],[3,4]]}}}"#;
        assert!(fits(map, r#"{"value":{"t":"map","v":[[3,4],[1,2]]}}"#));
        assert!(!fits(map, r#"{"value":{"t":"map","v":[[3,4],[1,5]]}}"#));
        let schema = r#"{"result":{"schema":{"type":"INT8","doc":null}}}"#;
        assert!(fits(schema, r#"{"schema":{"type":"INT8"}}"#));
        assert!(!fits(schema, r#"{"schema":{"type":"INT8","optional":true}}"#));
    }
}
