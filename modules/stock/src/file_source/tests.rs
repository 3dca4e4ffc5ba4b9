use super::*;
use berth_guest::{Config, StageKind};
use std::io::Write;

struct Case {
    dir: PathBuf,
    source: Box<dyn Source>,
}

fn temp(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("berth-file-source-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

fn context(dir: &std::path::Path, more: &[(&str, &str)], position: Option<i64>) -> Context {
    let file = dir.join("in.txt").display().to_string();
    let mut config = Config::from([("file", file.as_str()), ("topic", "t")]);
    more.iter().for_each(|(k, v)| config.set(k, v));
    let mut context = Context::for_test(StageKind::Source, config);
    context.files = vec![dir.display().to_string()];
    if let Some(position) = position {
        let partition = Value::map([("filename", Value::str(file))]);
        context.offsets = vec![(partition, Value::map([("position", Value::Int64(position))]))];
    }
    context
}

impl Case {
    fn new(name: &str, more: &[(&str, &str)], position: Option<i64>) -> Case {
        let dir = temp(name);
        let source = task(&context(&dir, more, position)).unwrap();
        Case { dir, source }
    }

    fn append(&self, text: impl AsRef<[u8]>) {
        let path = self.dir.join("in.txt");
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        file.write_all(text.as_ref()).unwrap();
    }

    fn poll(&mut self) -> Vec<(String, i64)> {
        let mut batch = Batch::default();
        self.source.poll(&mut batch).unwrap();
        let mut batch = Batch::from_bytes(batch.to_bytes().unwrap()).unwrap();
        let entries = std::mem::take(&mut batch.entries);
        let record = |e: &Entry| {
            let text = batch.value(&e.value).str().unwrap().to_string();
            let mut offset = vec![Tag::Map as u8];
            offset.extend_from_slice(batch.memory.bytes(e.source_offset_off, e.source_offset_len));
            (text, Value::decode_body(&offset).unwrap().get("position").as_int().unwrap())
        };
        entries.iter().map(record).collect()
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn lines(list: &[(&str, i64)]) -> Vec<(String, i64)> {
    list.iter().map(|(text, position)| (text.to_string(), *position)).collect()
}

#[test]
fn line_ends_of_all_kinds_and_byte_positions() {
    let mut case = Case::new("ends", &[], None);
    assert_eq!(case.poll(), []);
    case.append("a\nbü\r\n\rc\rrest");
    assert_eq!(case.poll(), lines(&[("a", 2), ("bü", 7), ("", 8), ("c", 10)]));
    assert_eq!(case.poll(), []);
    case.append(" of it\r");
    assert_eq!(case.poll(), []);
    case.append("\nx\n");
    assert_eq!(case.poll(), lines(&[("rest of it", 22), ("x", 24)]));
    assert_eq!(case.poll(), []);
}

#[test]
fn batches_are_limited_and_nothing_is_lost_between_them() {
    let mut case = Case::new("limit", &[("batch.size", "2")], None);
    case.append("1\n2\n3\n4\n5\n6");
    assert_eq!(case.poll(), lines(&[("1", 2), ("2", 4)]));
    assert_eq!(case.poll(), lines(&[("3", 6), ("4", 8)]));
    assert_eq!(case.poll(), lines(&[("5", 10)]));
    case.append("\n");
    assert_eq!(case.poll(), lines(&[("6", 12)]));
}

#[test]
fn many_lines_with_carriage_returns_arrive_once_each() {
    let mut case = Case::new("many", &[("batch.size", "700")], None);
    let mut want = Vec::new();
    let mut at = 0;
    for i in 0..30_000 {
        let (text, end) = (format!("line {i}"), ["\n", "\r\n", "\r"][i % 3]);
        at += (text.len() + end.len()) as i64;
        want.push((text.clone(), at));
        case.append(text + end);
    }
    case.append("\n");
    let mut got = Vec::new();
    while got.len() <= want.len() {
        let more = case.poll();
        if more.is_empty() {
            break;
        }
        got.extend(more);
    }
    want.pop();
    want.push(("line 29999".into(), at + if 29_999 % 3 == 2 { 1 } else { 0 }));
    assert!(got == want, "{} of {}", got.len(), want.len());
}

#[test]
fn a_stored_position_is_resumed_and_a_cut_file_read_anew() {
    let mut case = Case::new("resume", &[], Some(4));
    case.append("one\ntwo\n");
    assert_eq!(case.poll(), lines(&[("two", 8)]));
    std::fs::write(case.dir.join("in.txt"), "new\n").unwrap();
    assert_eq!(case.poll(), []);
    assert_eq!(case.poll(), lines(&[("new", 4)]));
    assert!(side::native::take_log().iter().any(|(_, text)| text.contains("truncated")));
}

#[test]
fn a_replaced_file_is_finished_first() {
    let mut case = Case::new("rotate", &[], None);
    case.append("a\nunfinished");
    assert_eq!(case.poll(), lines(&[("a", 2)]));
    std::fs::rename(case.dir.join("in.txt"), case.dir.join("in.1")).unwrap();
    case.append("b\n");
    let mut got = Vec::new();
    for _ in 0..20 {
        got.extend(case.poll());
    }
    assert_eq!(got, lines(&[("unfinished", 0), ("b", 2)]));
}

#[test]
fn malformed_bytes_become_replacement_characters() {
    let mut case = Case::new("utf8", &[], None);
    case.append(b"ok\n\xFFx\xC3\n\xC3\xA4\n");
    assert_eq!(case.poll(), lines(&[("ok", 3), ("\u{FFFD}x\u{FFFD}", 7), ("ä", 10)]));
}

/// Kafka's source stores how many characters it has read: 12 of these 17 bytes, and goes on at that byte.
#[test]
fn a_position_of_kafkas_source_may_lie_within_a_character() {
    let text = "eins\nдва\nüé\n";
    let mut case = Case::new("characters", &[], Some(text.chars().count() as i64));
    case.append(text);
    assert_eq!(case.poll(), lines(&[("üé", 17)]));
    let mut case = Case::new("within", &[], Some(6));
    case.append(text);
    assert_eq!(case.poll(), lines(&[("\u{FFFD}ва", 12), ("üé", 17)]));
}

const QUIRKS: (&str, &str) = ("berth.kafka.quirks.enable", "true");

/// What a source of either kind makes of a file from a stored position on: lines, and the position of the last.
fn read_from(position: i64, text: &[u8], quirks: bool) -> (Vec<String>, i64) {
    let more = if quirks { &[QUIRKS][..] } else { &[] };
    let mut case = Case::new("from", more, Some(position));
    case.append(text);
    let mut records = case.poll();
    records.extend(case.poll());
    let last = records.last().map_or(position, |(_, at)| *at);
    (records.into_iter().map(|(text, _)| text).collect(), last)
}

/// Kafka's source adds characters to a position, and skips as many bytes.
#[test]
fn positions_count_characters_where_quirks_are_wanted() {
    let cyrillic = "one\ntwo\nfour\nпервый\n"; // 26 bytes, 20 characters; these positions are recorded
    for (position, text, lines, last, in_bytes) in [
        (0, cyrillic.as_bytes(), &["one", "two", "four", "первый"][..], 20, 26),
        (20, cyrillic.as_bytes(), &["\u{FFFD}ый"], 24, 26),
        (24, cyrillic.as_bytes(), &["\u{FFFD}"], 26, 26),
        (26, cyrillic.as_bytes(), &[], 26, 26),
        (0, "a\r\nü\r\r\nx\n".as_bytes(), &["a", "ü", "", "x"], 9, 10),
        (0, "😀\n".as_bytes(), &["😀"], 3, 5),
        (2, "😀\n".as_bytes(), &["\u{FFFD}\u{FFFD}"], 5, 5),
        (0, b"\xED\xA0\x80\n", &["\u{FFFD}"], 2, 4), // half of a pair, which is one malformed sequence in Java
        (0, b"\xE2\x82\n\xFF\n", &["\u{FFFD}", "\u{FFFD}"], 4, 5),
        (0, b"all\nof\nASCII\n", &["all", "of", "ASCII"], 13, 13),
    ] {
        assert_eq!(read_from(position, text, true), (lines.iter().map(|l| l.to_string()).collect(), last), "{text:?}");
        assert_eq!(read_from(position, text, false).1, in_bytes, "{text:?}");
    }
}

/// Kafka's source looks for lines when it has read something: what a full batch leaves waits until the file grows.
#[test]
fn lines_behind_a_full_batch_wait_where_quirks_are_wanted() {
    let mut case = Case::new("behind", &[QUIRKS, ("batch.size", "3")], None);
    case.append("one\ntwo\nfour\nпервый\n");
    assert_eq!(case.poll(), lines(&[("one", 4), ("two", 8), ("four", 13)]));
    assert_eq!(case.poll(), []);
    case.append("added\n");
    assert_eq!(case.poll(), lines(&[("первый", 20), ("added", 26)]));
    assert_eq!(case.poll(), []);
}

/// The buffer has 1024 characters at first, and the limit of a batch is lower than `batch.size`: lines go on coming while
/// the file grows.
#[test]
fn quirks_lose_no_line_of_a_large_file() {
    let many: Vec<String> = (0..40_000).map(|i| format!("строка {i} 😀")).collect();
    let all: Vec<u16> = many.iter().flat_map(|line| line.encode_utf16().chain([u16::from(b'\n')])).collect();
    let mut case = Case::new("large", &[QUIRKS, ("batch.size", "5000")], None);
    case.append(many.iter().map(|line| line.clone() + "\n").collect::<String>());
    let mut got = Vec::new();
    for _ in 0..40 {
        got.extend(case.poll());
        case.append("end\n");
    }
    assert_eq!(got[many.len() - 1].1, all.len() as i64);
    assert!(got.iter().map(|(text, _)| text).take(many.len()).eq(&many));
}

#[test]
fn a_character_that_two_reads_share_is_whole() {
    use super::as_kafka::whole_characters;
    for (bytes, want) in [
        (&b""[..], 0),
        (b"abc", 3),
        ("aü".as_bytes(), 3),
        (b"a\xC3", 1),
        (b"\xF0\x9F\x98", 0),
        (b"ab\xE2\x82", 2),
        (b"a\xED\xA0", 1),
        (b"a\xFF", 2),
        (b"\x80\x80\x80\x80", 4),
    ] {
        assert_eq!(whole_characters(bytes), want, "{bytes:x?}");
    }
}

#[test]
fn a_line_may_be_longer_than_a_read() {
    let mut case = Case::new("long", &[], None);
    let long = "y".repeat(3 << 20);
    case.append(format!("{long}\nz\n"));
    let mut got = Vec::new();
    for _ in 0..12 {
        got.extend(case.poll().into_iter().map(|(text, _)| text));
    }
    assert_eq!(got, [long, "z".to_string()]);
}

#[test]
fn ungranted_files_and_streams_are_config_errors() {
    let dir = temp("denied");
    let mut denied = context(&dir, &[], None);
    denied.files.clear();
    assert!(FileSource::new(&denied).unwrap_err().message.contains("--allow-dir"));
    denied.config = Config::from([("topic", "t")]);
    assert!(FileSource::new(&denied).unwrap_err().message.contains("'file'"));
    let _ = std::fs::remove_dir_all(dir);
}
