//! Whether JSON fits its JSON Schema (`json.fail.invalid.schema`), with all keywords of drafts 4 to 2020-12.

use std::error::Error as AnyError;

use berth_guest::{Error, Result};
use boon::{Compiler, Draft, ErrorKind, InstanceToken, SchemaIndex, Schemas, UrlLoader, ValidationError};
use serde_json::Value as Json;

use crate::schemas::{Reference, Registered};

/// Where a registered schema without an `$id` lies; relative references are looked up beside it.
const ROOT: &str = "registry:///schema";

/// A registered schema, compiled.
pub struct Validator {
    schemas: Schemas,
    root: SchemaIndex,
}

impl Validator {
    pub fn compile(registered: &Registered) -> Result<Validator> {
        let bad = |why: String| Error::data(format!("values can't be compared with the JSON Schema: {why}"));
        let root: Json = serde_json::from_str(&registered.text).map_err(|e| bad(format!("it is not JSON: {e}")))?;
        let mut compiler = Compiler::new();
        compiler.set_default_draft(Draft::V7); // of schemas that name none, as for other clients of registries
        compiler.use_loader(Box::new(References(registered.references.clone())));
        compiler.add_resource(ROOT, root).map_err(|e| bad(e.to_string()))?;
        let mut schemas = Schemas::new();
        let root = compiler.compile(ROOT, &mut schemas).map_err(|e| bad(format!("{e:#}")))?;
        Ok(Validator { schemas, root })
    }

    /// Refuses a value that does not fit.
    pub fn check(&self, value: &Json) -> Result<()> {
        self.schemas.validate(value, self.root).map_err(|error| refusal(&error))
    }

    /// The same for its text.
    pub fn check_text(&self, text: &[u8]) -> Result<()> {
        let value = serde_json::from_slice(text).map_err(|e| Error::internal(format!("written JSON is none: {e}")))?;
        self.check(&value)
    }
}

/// The innermost of the first reasons; of alternatives none of which fits, all count the same.
fn reason<'a, 's, 'v>(error: &'a ValidationError<'s, 'v>) -> &'a ValidationError<'s, 'v> {
    let alternatives = matches!(error.kind, ErrorKind::OneOf(_) | ErrorKind::AnyOf | ErrorKind::Not);
    match error.causes.first() {
        Some(cause) if !alternatives => reason(cause),
        _ => error,
    }
}

#[cold]
fn refusal(error: &ValidationError<'_, '_>) -> Error {
    let error = reason(error);
    let pointer = error.instance_location.to_string();
    let refused = Error::data(format!(
        "the value at '{pointer}' does not fit the JSON Schema: {}; mend what writes it, or let it pass with \
         json.fail.invalid.schema=false",
        error.kind
    ));
    error.instance_location.tokens.iter().rev().fold(refused, |refused, token| match token {
        InstanceToken::Prop(name) => refused.at(name),
        InstanceToken::Item(i) => refused.at(&format!("[{i}]")),
    })
}

/// Finds what a schema refers to by the names that the registry knows it by.
struct References(Vec<Reference>);

impl UrlLoader for References {
    fn load(&self, url: &str) -> std::result::Result<Json, Box<dyn AnyError>> {
        let is_meant = |name: &str| url == name || url.ends_with(&format!("/{}", name.trim_start_matches('/')));
        match self.0.iter().find(|reference| is_meant(&reference.name)) {
            Some(reference) => Ok(serde_json::from_str(&reference.text)?),
            None => Err(format!("{url} is not among its references").into()),
        }
    }
}
