//! Schemas compiled from their text.

use berth_guest::{Error, Result};
use prost_reflect::{FileDescriptor, MessageDescriptor};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

use crate::schemas::Registered;

/// Name under which the schema itself is compiled.
const ROOT: &str = "schema.proto";

/// Files that every registry takes for granted, beside Google's own.
const KNOWN: [(&str, &str); 4] = [
    (
        "confluent/meta.proto",
        "syntax = \"proto3\"; package confluent; import \"google/protobuf/descriptor.proto\";
         message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; }
         extend google.protobuf.FileOptions { Meta file_meta = 1088; }
         extend google.protobuf.MessageOptions { Meta message_meta = 1088; }
         extend google.protobuf.FieldOptions { Meta field_meta = 1088; }
         extend google.protobuf.EnumOptions { Meta enum_meta = 1088; }
         extend google.protobuf.EnumValueOptions { Meta enum_value_meta = 1088; }",
    ),
    (
        "confluent/type/decimal.proto",
        "syntax = \"proto3\"; package confluent.type;
         message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }",
    ),
    (
        "google/type/date.proto",
        "syntax = \"proto3\"; package google.type; message Date { int32 year = 1; int32 month = 2; int32 day = 3; }",
    ),
    (
        "google/type/timeofday.proto",
        "syntax = \"proto3\"; package google.type;
         message TimeOfDay { int32 hours = 1; int32 minutes = 2; int32 seconds = 3; int32 nanos = 4; }",
    ),
];

struct Texts(Vec<(String, String)>);

impl FileResolver for Texts {
    fn open_file(&self, name: &str) -> std::result::Result<File, protox::Error> {
        match self.0.iter().find(|(known, _)| known == name) {
            Some((_, text)) => File::from_source(name, text),
            None => Err(protox::Error::file_not_found(name)),
        }
    }
}

/// Compiles a schema with its references.
pub fn compile(registered: &Registered) -> Result<FileDescriptor> {
    let mut texts = vec![(ROOT.to_string(), registered.text.clone())];
    texts.extend(registered.references.iter().map(|r| (r.name.clone(), r.text.clone())));
    texts.extend(KNOWN.map(|(name, text)| (name.to_string(), text.to_string())));
    let mut resolver = ChainFileResolver::new();
    resolver.add(Texts(texts));
    resolver.add(GoogleFileResolver::new());
    let bad = |error: protox::Error| {
        let at = error.file().map_or(String::new(), |file| format!(" in {file}"));
        Error::data(format!("the Protobuf schema can't be used{at}: {error}"))
    };
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).open_file(ROOT).map_err(bad)?;
    let pool = compiler.descriptor_pool();
    pool.get_file_by_name(ROOT).ok_or_else(|| Error::internal("a compiled schema is not there"))
}

/// The message at a path of indices: the first among the file's, the others among those nested in it.
pub fn message_at(file: &FileDescriptor, path: &[usize]) -> Option<MessageDescriptor> {
    let (first, nested) = path.split_first()?;
    let mut message = file.messages().nth(*first)?;
    for index in nested {
        let child = message.child_messages().nth(*index)?;
        message = child;
    }
    Some(message)
}
