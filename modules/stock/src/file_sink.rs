//! FileStreamSink: appends the text of each value and a line end to a file, or writes to standard output.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use berth_guest::{
    Altered, Batch, ConfigDef, ConfigKey, ConfigType, Connector, Context, Error, Importance, Make, Plugin, Result,
    SameConfig, Sink, Tag, TopicOffset, ValueRef,
};

use crate::java_text;
use crate::paths;
use crate::wtf8;

/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 256 << 10;

pub fn plugin() -> Plugin {
    let connector = |context: &Context| -> Result<Box<dyn Connector>> {
        definition().parse(&context.config)?;
        Ok(Box::new(SameConfig { config: context.config.clone(), limit: usize::MAX }))
    };
    let task = |context: &Context| -> Result<Box<dyn Sink>> { Ok(Box::new(FileSink::new(context)?)) };
    Plugin::new(
        "org.apache.kafka.connect.file.FileStreamSinkConnector",
        crate::KAFKA_VERSION,
        "Appends each record's value to a file, one a line.",
        Make::Sink(connector, task),
    )
    .aliases(&["FileStreamSink", "FileStreamSinkConnector"])
    .task_class("org.apache.kafka.connect.file.FileStreamSinkTask")
    .capabilities(&["files", "stdio"])
    .config(definition())
    .alter_offsets(|_, _| Ok(Altered::Everywhere)) // it keeps none
}

fn definition() -> ConfigDef {
    ConfigDef::new(vec![ConfigKey::new(
        "file",
        ConfigType::String,
        "File to append to; it is made if need be. Without it, lines go to standard output.",
    )
    .null()
    .importance(Importance::High)])
}

#[derive(Debug)]
enum Output {
    Stdout,
    File(File),
}

#[derive(Debug)]
struct FileSink {
    path: PathBuf,
    output: Output,
    buffer: Vec<u8>,
}

impl FileSink {
    fn new(context: &Context) -> Result<FileSink> {
        let config = definition().parse(&context.config)?;
        let (path, output) = match config.text("file") {
            None if !context.stdio => return Err(paths::no_stdio("output")),
            None => (PathBuf::from("standard output"), Output::Stdout),
            Some(file) => {
                let path = paths::granted(file, "file", &context.files)?;
                let opened = OpenOptions::new().create(true).append(true).open(&path);
                let opened = opened.map_err(|error| {
                    Error::connect(format!("Couldn't find or create file '{file}' for FileStreamSinkTask: {error}"))
                })?;
                (path, Output::File(opened))
            }
        };
        let mut buffer = Vec::new();
        if matches!(output, Output::File(_)) && ends_within_a_line(&path) {
            buffer.push(b'\n');
        }
        Ok(FileSink { path, output, buffer })
    }

    fn write_out(&mut self) -> Result<()> {
        let outcome = match &mut self.output {
            Output::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(&self.buffer).and_then(|()| stdout.flush())
            }
            Output::File(file) => file.write_all(&self.buffer),
        };
        let bytes = self.buffer.len();
        self.buffer.clear();
        outcome.map_err(|error| {
            let path = self.path.display();
            Error::connect(format!(
                "writing {bytes} bytes to {path} failed: {error}; the records will be written again"
            ))
        })
    }
}

/// Tells whether a file ends without a line end: a worker that was killed, or a full disk, has cut its last line off.
/// The records come again, and the first of them must not become the rest of that line.
fn ends_within_a_line(path: &Path) -> bool {
    let last = || -> io::Result<Option<u8>> {
        if !path.metadata()?.is_file() {
            return Ok(None);
        }
        let mut file = File::open(path)?;
        if file.seek(SeekFrom::End(0))? == 0 {
            return Ok(None);
        }
        file.seek(SeekFrom::End(-1))?;
        let mut byte = [0];
        file.read_exact(&mut byte)?;
        Ok(Some(byte[0]))
    };
    // A file that may not be read is appended to as it is.
    matches!(last(), Ok(Some(byte)) if byte != b'\n')
}

/// `String.valueOf(value)`; bytes, for which Java prints an address, are written as the text they hold.
fn append_text(batch: &mut Batch, cell: &berth_guest::Cell, out: &mut Vec<u8>) -> Result<()> {
    let schema = batch.dict.schema(cell.schema)?;
    let value = ValueRef::new(cell.tag(), batch.memory.bytes(cell.off, cell.len));
    match value.tag {
        Tag::String => out.extend_from_slice(value.payload),
        Tag::Bytes | Tag::Raw => out.extend_from_slice(String::from_utf8_lossy(value.payload).as_bytes()),
        _ => {
            let start = out.len();
            java_text::append(value, schema.as_deref(), &mut batch.dict, out);
            wtf8::encode(out, start);
        }
    }
    Ok(())
}

impl Sink for FileSink {
    fn put(&mut self, batch: &mut Batch) -> Result<()> {
        for i in 0..batch.entries.len() {
            let cell = batch.entries[i].value;
            if cell.tag() == Tag::String {
                self.buffer.extend_from_slice(batch.value(&cell).payload);
            } else {
                append_text(batch, &cell, &mut self.buffer)?;
            }
            self.buffer.push(b'\n');
            if self.buffer.len() >= BUFFER_BYTES {
                self.write_out()?;
            }
        }
        // Connect's task prints at once, so a reader of the file sees records before the next flush.
        self.write_out()
    }

    fn flush(&mut self, offsets: Vec<TopicOffset>) -> Result<Vec<TopicOffset>> {
        self.write_out()?;
        Ok(offsets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use berth_guest::{Cell, Config, Entry, Schema, StageKind, Type, NONE};

    fn sink(dir: &std::path::Path, file: &str) -> Result<FileSink> {
        let file = dir.join(file).display().to_string();
        let mut context = Context::for_test(StageKind::Sink, Config::from([("file", file.as_str())]));
        context.files = vec![dir.display().to_string()];
        FileSink::new(&context)
    }

    fn payload(batch: &mut Batch, tag: Tag, bytes: &[u8]) -> Cell {
        let written = batch.write(tag, NONE, |out| {
            out.extend_from_slice(bytes);
            Ok(())
        });
        written.unwrap()
    }

    fn batch() -> Batch {
        let mut batch = Batch::default();
        let topic = batch.dict.intern_topic("t").unwrap();
        let schema =
            Schema::new(Type::Struct).field("a", Schema::new(Type::Float64)).field("b", Schema::new(Type::String));
        let schema = batch.dict.intern_schema(&schema).unwrap();
        let cells = [
            payload(&mut batch, Tag::String, b"line"),
            Cell::NULL,
            payload(&mut batch, Tag::Bytes, b"raw"),
            batch
                .build(schema, |b| {
                    b.open(Tag::Struct);
                    b.f64(1e10);
                    b.str("x");
                    b.close_struct(NONE);
                    Ok(())
                })
                .unwrap(),
        ];
        for cell in cells {
            let mut entry = Entry::new(topic);
            entry.value = cell;
            batch.entries.push(entry);
        }
        Batch::from_bytes(batch.to_bytes().unwrap()).unwrap()
    }

    #[test]
    fn values_are_appended_as_java_prints_them() {
        let dir = std::env::temp_dir().join(format!("berth-file-sink-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("out"), "before\n").unwrap();
        let mut sink = sink(&dir, "out").unwrap();
        sink.put(&mut batch()).unwrap();
        sink.flush(Vec::new()).unwrap();
        let text = std::fs::read_to_string(dir.join("out")).unwrap();
        assert_eq!(text, "before\nline\nnull\nraw\nStruct{a=1.0E10,b=x}\n");
        let _ = std::fs::remove_dir_all(dir);
    }

    #[test]
    fn a_line_that_was_cut_off_stays_a_line_of_its_own() {
        let dir = std::env::temp_dir().join(format!("berth-file-sink-torn-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        for (before, after) in [("", ""), ("one\n", "one\n"), ("one\ntw", "one\ntw\n")] {
            std::fs::write(dir.join("out"), before).unwrap();
            let mut sink = sink(&dir, "out").unwrap();
            sink.flush(Vec::new()).unwrap();
            sink.put(&mut batch()).unwrap();
            let text = std::fs::read_to_string(dir.join("out")).unwrap();
            assert_eq!(text.strip_prefix(after), Some("line\nnull\nraw\nStruct{a=1.0E10,b=x}\n"), "{text:?}");
        }
        let _ = std::fs::remove_dir_all(dir);
    }

    #[test]
    fn a_full_disk_fails_with_path_and_reason() {
        let mut context = Context::for_test(StageKind::Sink, Config::from([("file", "/dev/full")]));
        context.files = vec!["/dev".into()];
        let message = FileSink::new(&context).unwrap().put(&mut batch()).unwrap_err().message;
        assert!(message.contains("/dev/full") && message.contains("No space left"), "{message}");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let message = sink(&std::env::temp_dir(), "no-such-folder/out").unwrap_err().message;
        assert!(message.contains("Couldn't find or create file") && message.contains("no-such-folder"), "{message}");
    }
}
