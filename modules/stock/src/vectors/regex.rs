//! Regular expressions and replacements.

use berth_guest::Error;

use super::json::Json;
use super::{Answer, Refusal};
use crate::java_regex::{Match, MatchError, Pattern, PatternSyntaxError, ReplacementError};

/// Plays an operation of this family.
pub fn play(op: &str, vector: &Json) -> Answer {
    let member = |name| vector.get(name).text().ok_or(Refusal::Foreign);
    match op {
        "Pattern.matches" => matched(&Pattern::new(member("pattern")?)?, member("text")?),
        "Matcher.replaceFirst" | "Matcher.replaceAll" => {
            let pattern = Pattern::new(member("pattern")?)?;
            let (text, replacement) = (member("text")?, member("replacement")?);
            let replaced = match op {
                "Matcher.replaceFirst" => pattern.replace_first(text, replacement)?,
                _ => pattern.replace_all(text, replacement)?,
            };
            Ok(Json::object([("text", Json::Text(replaced))]))
        }
        _ => Err(Refusal::Unknown),
    }
}

/// What the pattern says of the whole text and of the first place in it.
fn matched(pattern: &Pattern, text: &str) -> Answer {
    let (whole, found) = (pattern.match_whole(text)?, pattern.find(text)?);
    let mut members = vec![("matches", Json::Bool(whole.is_some()))];
    members.extend(whole.map(|whole| ("groups", groups(&whole, text))));
    members.push(("find", Json::Bool(found.is_some())));
    if let Some(found) = found {
        let (start, end) = found.span(0).unwrap_or_default();
        let units = |end: usize| Json::number_of(text[..end].encode_utf16().count());
        members.extend([("start", units(start)), ("end", units(end)), ("findGroups", groups(&found, text))]);
    }
    Ok(Json::object(members))
}

fn groups(found: &Match, text: &str) -> Json {
    let group = |group| found.group(text, group).map_or(Json::Null, Json::text_of);
    Json::List((0..=found.groups()).map(group).collect())
}

impl From<PatternSyntaxError> for Refusal {
    fn from(e: PatternSyntaxError) -> Refusal {
        Refusal::Thrown(Error::connect(e.to_string()).class("java.util.regex.PatternSyntaxException"))
    }
}

impl From<MatchError> for Refusal {
    fn from(e: MatchError) -> Refusal {
        Refusal::Thrown(Error::connect(e.to_string()))
    }
}

impl From<ReplacementError> for Refusal {
    fn from(e: ReplacementError) -> Refusal {
        Refusal::Thrown(Error::connect(e.to_string()).class(e.class()))
    }
}
