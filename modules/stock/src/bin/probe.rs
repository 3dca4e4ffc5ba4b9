//! The probe: a module of the stock crate that answers recorded vectors about what no plugin is asked directly. Its one
//! transformation turns a line of a file of vectors, a STRING, into the result as JSON.

use berth_guest::{
    ConfigDef, ConfigKey, ConfigType, Context, Error, Make, Outcome, Plugin, Record, Result, Tag, Transform,
};
use stock::vectors;

berth_guest::main!(plugins);

fn plugins() -> Vec<Plugin> {
    let new = |context: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(Vectors::new(context)?)) };
    let doc = "Answers recorded vectors.";
    vec![Plugin::new("probe.Vectors", env!("CARGO_PKG_VERSION"), doc, Make::Transform(new)).config(definition())]
}

fn definition() -> ConfigDef {
    ConfigDef::new(vec![ConfigKey::new("file", ConfigType::String, "Name of the file of vectors, without .jsonl.")])
}

struct Vectors {
    file: String,
}

impl Vectors {
    fn new(context: &Context) -> Result<Vectors> {
        Ok(Vectors { file: definition().parse(&context.config)?.string("file") })
    }
}

impl Transform for Vectors {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
        let cell = record.entry.value;
        let line = record.cell(&cell);
        let line =
            line.str().ok_or_else(|| Error::data("the value of a record must be a line of a file of vectors"))?;
        let answer = vectors::play(&self.file, line);
        record.entry.value = record.arena.write(Tag::String, cell.schema, |out| {
            out.extend_from_slice(answer.as_bytes());
            Ok(())
        })?;
        Ok(Outcome::Keep)
    }
}
