//! A source gives up the stages behind it: where, among its batches.

use berth_guest::event::{kind, message};
use berth_guest::fake::{stage, FakeHost};
use berth_guest::host::{Host, Wait};
use berth_guest::{run, Batch, Value};

/// A host whose window is full at one batch, and that says ALONE then.
#[derive(Default)]
struct Window {
    fake: FakeHost,
    /// The batch at which the window is full, once.
    full_at: i32,
    /// Events that come then.
    says: Vec<u32>,
}

impl Host for Window {
    fn poll(&mut self, buffer: &mut [u8]) -> i32 {
        self.fake.poll(buffer)
    }

    fn put(&mut self, kind: i32, seq: i32, head: &[u8], data: &[u8]) -> i32 {
        if kind == message::RECORDS && seq == self.full_at {
            self.full_at = 0;
            for says in self.says.drain(..) {
                self.fake.event(says, &[]);
            }
            return -1;
        }
        self.fake.put(kind, seq, head, data)
    }

    fn commit(&mut self, seq: i32, body: &[u8]) -> i32 {
        self.fake.commit(seq, body)
    }

    fn wait(&mut self, wait: Wait) {
        self.fake.wait(wait);
    }
}

/// What a source of five records, a batch each, says from READY on: the text of each batch, or the kind of a message
/// and the errors in it.
fn plays(transforms: &[&str], window: Window) -> Vec<String> {
    let mut host = window;
    let counter = [("topic", "t"), ("count", "5"), ("batch", "1")];
    let mut stages = vec![stage("source", "kit.Counter", &counter)];
    stages.extend(transforms.iter().map(|class| stage("transform", class, &[])));
    host.fake.plan("task", stages, vec![("task", Value::Int32(7))]);
    run(&mut host, &kit::plugins());
    let mut told = Vec::new();
    for said in &host.fake.said[1..] {
        if said.kind == message::RECORDS {
            let bytes = said.bytes();
            let is_number = |w: &[u8]| w[0].eq_ignore_ascii_case(&b'n') && w[1].is_ascii_digit();
            // What Upper leaves behind of its input lies in the batch, too: upper case is less.
            let text = bytes.windows(2).filter(|w| is_number(w)).min().unwrap();
            let dropped = Batch::from_bytes(bytes.clone()).unwrap().entries.is_empty();
            let text = if dropped { b"" } else { text };
            told.push(String::from_utf8_lossy(text).into_owned());
            continue;
        }
        let states = said.value().unwrap();
        let errors: Vec<_> = states.as_array().iter().filter_map(|s| s.get("error").as_str()).collect();
        told.push(format!("{} {errors:?}", said.kind));
    }
    told
}

#[test]
fn what_waits_for_the_window_still_passes_the_stages() {
    let window = Window { full_at: 3, says: vec![kind::ALONE], ..Window::default() };
    assert_eq!(plays(&["kit.Upper"], window), ["N0", "N1", "N2", "12 []", "n3", "n4"]);
}

#[test]
fn a_pause_may_come_between() {
    let window = Window { full_at: 2, says: vec![kind::ALONE, kind::PAUSE, kind::RESUME], ..Window::default() };
    assert_eq!(plays(&["kit.Upper"], window), ["N0", "N1", "12 []", "n2", "n3", "n4"]);
}

#[test]
fn a_paused_source_with_a_batch_answers_when_it_is_resumed() {
    let window = Window { full_at: 2, says: vec![kind::PAUSE, kind::ALONE], ..Window::default() };
    assert_eq!(plays(&["kit.Upper"], window), ["N0"], "it was stopped before");
}

#[test]
fn stages_that_can_not_tell_what_they_keep_stay() {
    let window = Window { full_at: 1, says: vec![kind::ALONE], ..Window::default() };
    let told = plays(&["kit.Drop", "kit.Number"], window);
    assert_eq!(told.join(","), ",12 [\"nothing was numbered\"],,,,", "all records are dropped, as before");
}
