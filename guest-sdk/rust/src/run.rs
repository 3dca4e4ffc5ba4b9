//! The main loop of a module: the plan first, then events until the host says stop.

use std::time::{Duration, Instant};

use crate::answers;
use crate::batch::Batch;
use crate::config::Config;
use crate::direct::Direct;
use crate::error::{malformed, Error, Result};
use crate::event::{self, kind, message, Event, EVENT_BYTES};
use crate::host::{Host, Passing, Wait};
use crate::plan::{Context, Plan, Role, StageKind};
use crate::plugin::{manifest, Connector, Make, Next, Plugin, Watch};
use crate::port::{put_error, Port};
use crate::side::{self, Phase};
use crate::stage::{self, Stage, Work};
use crate::state;
use crate::value::{Value, NONE};

/// Why the loop ended.
#[derive(Debug)]
pub enum End {
    /// The host said stop, or there was nothing more to do.
    Stopped,
    /// The guest said FAILED.
    Failed(Error),
}

/// A failure on its way out: the stage and what.
struct Fatal {
    stage: usize,
    /// Record of the batch, −1 = none.
    record: i64,
    error: Error,
}

impl Fatal {
    fn at(stage: usize, error: Error) -> Fatal {
        Fatal { stage, record: -1, error }
    }
}

impl From<Error> for Fatal {
    fn from(error: Error) -> Self {
        Fatal::at(0, error)
    }
}

/// Runs an instance to its end.
pub fn run(host: &mut dyn Host, plugins: &[Plugin]) -> End {
    let mut guest = Guest { port: Port::new(host) };
    match caught(|| guest.serve(plugins)) {
        Ok(()) => End::Stopped,
        Err(Fatal { stage, record, error }) => {
            let body = event::failed(&error, stage, record).to_body();
            guest.port.host.put(message::FAILED, 0, &body, &[]);
            End::Failed(error)
        }
    }
}

/// In a module a panic is reported by the hook, as nothing can catch it; natively it is caught, for tests.
#[cfg(target_arch = "wasm32")]
fn caught(serve: impl FnOnce() -> std::result::Result<(), Fatal>) -> std::result::Result<(), Fatal> {
    serve()
}

#[cfg(not(target_arch = "wasm32"))]
fn caught(serve: impl FnOnce() -> std::result::Result<(), Fatal>) -> std::result::Result<(), Fatal> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(serve)).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
        let (stage, record) = side::position();
        Err(Fatal { stage, record, error: Error::internal(format!("panic: {}", text.unwrap_or("no message"))) })
    })
}

struct Guest<'h> {
    port: Port<'h>,
}

impl Guest<'_> {
    fn serve(&mut self, plugins: &[Plugin]) -> std::result::Result<(), Fatal> {
        let Some(event) = self.wait_event(Wait::default())? else { return Ok(()) };
        if event.kind != kind::PLAN {
            return Err(malformed("first event: it is not a plan").into());
        }
        let plan = Plan::decode(&event.value()?)?;
        let seq = event.seq as i32;
        self.port.recycle(event);
        match plan.role {
            Role::Describe => {
                side::at(Phase::Describe, 0);
                self.port.put(message::MANIFEST, seq, &manifest(plugins).to_body(), &[])?;
                Ok(())
            }
            Role::Validate => self.validator(seq, plugins),
            Role::Connector => self.connector(seq, &plan, plugins),
            Role::Task => self.task(seq, &plan, plugins),
        }
    }

    /// Waits for an event; `None` if something else in `wait` came first.
    fn wait_event(&mut self, wait: Wait) -> Result<Option<Event>> {
        side::at(Phase::Idle, 0);
        loop {
            if let Some(event) = self.port.event()? {
                return Ok(Some(event));
            }
            self.port.host.wait(wait);
            if wait != Wait::default() {
                return self.port.event();
            }
        }
    }

    fn validator(&mut self, seq: i32, plugins: &[Plugin]) -> std::result::Result<(), Fatal> {
        self.port.put(message::READY, seq, &[], &[])?;
        while let Some(event) = self.wait_event(Wait::default())? {
            match event.kind {
                kind::STOP => return Ok(()),
                kind::VALIDATE => {
                    side::at(Phase::Validate, 0);
                    let body = answers::validate(&event.value()?, plugins).to_body();
                    self.port.put(message::VALIDATED, event.seq as i32, &body, &[])?;
                }
                kind::ALTER_OFFSETS => {
                    side::at(Phase::Alter, 0);
                    let body = answers::alter_offsets(&event.value()?, plugins)?.to_body();
                    self.port.put(message::ALTERED, event.seq as i32, &body, &[])?;
                }
                _ => {}
            }
            self.port.recycle(event);
        }
        Ok(())
    }

    fn connector(&mut self, seq: i32, plan: &Plan, plugins: &[Plugin]) -> std::result::Result<(), Fatal> {
        side::at(Phase::Start, 0);
        let (mut connector, watches) = make_connector(plan, plugins)?;
        self.port.put(message::READY, seq, &[], &[])?;
        let mut wait = Wait::default();
        loop {
            if watches {
                wait = self.watch(connector.as_mut())?;
            }
            let Some(event) = self.wait_event(wait)? else { continue };
            match event.kind {
                kind::STOP => {
                    side::at(Phase::Stop, 0);
                    connector.stop();
                    return Ok(());
                }
                kind::CONFIGS => {
                    side::at(Phase::Configs, 0);
                    let max = event.value()?.get("max_tasks").as_int().unwrap_or(1).max(0) as usize;
                    let configs = connector.task_configs(max)?;
                    let body = Value::Array(configs.iter().map(Config::to_value).collect()).to_body();
                    self.port.put(message::CONFIGS, event.seq as i32, &body, &[])?;
                }
                _ => {}
            }
            self.port.recycle(event);
        }
    }

    fn watch(&mut self, connector: &mut dyn Connector) -> Result<Wait> {
        let timeout = match connector.watch()? {
            Watch::Never => return Ok(Wait::default()),
            Watch::After(time) => time,
            Watch::Reconfigure(time) => {
                self.port.put(message::RECONFIGURE, 0, &[], &[])?;
                time
            }
        };
        Ok(Wait { timeout: Some(timeout), ..Wait::default() })
    }

    fn task(&mut self, seq: i32, plan: &Plan, plugins: &[Plugin]) -> std::result::Result<(), Fatal> {
        let stages = stage::make(plan, plugins).map_err(|(stage, error)| Fatal::at(stage, error))?;
        self.port.put(message::READY, seq, &[], &[])?;
        let mut batch = Batch::default();
        let passing = self.port.host.passing();
        batch.assembles = passing == Passing::Assembled;
        batch.memory.decode = stage::decoder(&stages);
        let direct = Direct::new(if passing == Passing::Direct { &stages } else { &[] });
        let mut task = Task {
            guest: self,
            stages,
            direct,
            strict: plan.strict,
            batch,
            head: Vec::new(),
            produced: 0,
            paused: false,
            pending: false,
            leaving: None,
            alone: false,
        };
        task.run()
    }
}

fn make_connector(plan: &Plan, plugins: &[Plugin]) -> Result<(Box<dyn Connector>, bool)> {
    let is_connector = |kind: StageKind| matches!(kind, StageKind::Source | StageKind::Sink);
    let planned = plan.stages.iter().find(|s| is_connector(s.kind)).ok_or_else(|| malformed("plan: no connector"))?;
    for plugin in plugins.iter().filter(|p| p.answers_to(&planned.plugin)) {
        if let Make::Source(new, _) | Make::Sink(new, _) = plugin.make {
            return Ok((new(&Context::of(plan, planned))?, plugin.watches));
        }
    }
    Err(stage::unknown(&planned.plugin))
}

struct Task<'g, 'h> {
    guest: &'g mut Guest<'h>,
    stages: Vec<Stage>,
    direct: Direct,
    /// Of a batch, nothing behind the first record that failed goes further.
    strict: bool,
    batch: Batch,
    head: Vec<u8>,
    produced: i32,
    paused: bool,
    /// A batch is encoded and not yet taken.
    pending: bool,
    /// ALONE that is to be answered once no batch is pending, by its seq.
    leaving: Option<i32>,
    /// Records pass the connector only.
    alone: bool,
}

/// Whether the task goes on.
#[derive(PartialEq)]
enum Flow {
    On,
    Stop,
}

impl Task<'_, '_> {
    fn run(&mut self) -> std::result::Result<(), Fatal> {
        let is_source = matches!(self.stages.first().map(|s| &s.work), Some(Work::Source(_)));
        let mut next = if is_source { Next::Now } else { Next::Never };
        let mut since = Instant::now();
        loop {
            while let Some(event) = self.guest.port.event()? {
                if self.handle(event)? == Flow::Stop {
                    return Ok(());
                }
            }
            let mut wait = Wait::default();
            if !self.paused {
                if self.pending && !self.put_records()? {
                    wait.writable = true;
                } else {
                    match next {
                        Next::Now => wait.timeout = Some(Duration::ZERO),
                        Next::After(time) => wait.timeout = Some(time.saturating_sub(since.elapsed())),
                        Next::Readable(fd) => wait.readable = Some(fd),
                        Next::Never => {}
                    }
                }
            }
            let due = wait.timeout == Some(Duration::ZERO);
            if !due {
                if let Some(event) = self.guest.wait_event(wait)? {
                    if self.handle(event)? == Flow::Stop {
                        return Ok(());
                    }
                    continue;
                }
            }
            let past = wait.timeout.is_some_and(|time| due || since.elapsed() >= time);
            if past || wait.readable.is_some() {
                next = self.produce()?;
                since = Instant::now();
            }
        }
    }

    /// Polls the source once; what it gives waits for [`Task::put_records`].
    fn produce(&mut self) -> std::result::Result<Next, Fatal> {
        let Some(Stage { work: Work::Source(source), .. }) = self.stages.first_mut() else { return Ok(Next::Never) };
        self.batch.clear();
        side::at(Phase::Poll, 0);
        let next = source.poll(&mut self.batch)?;
        if self.batch.entries.is_empty() {
            return Ok(next);
        }
        for (i, entry) in self.batch.entries.iter_mut().enumerate() {
            entry.origin = i as u32;
        }
        self.batch.input_count = self.batch.entries.len() as u32;
        self.pass()?;
        self.batch.encode(&mut self.head)?;
        self.produced += 1;
        self.pending = true;
        Ok(next)
    }

    /// Takes the batch through the stages; since ALONE through the connector's only.
    fn pass(&mut self) -> Result<()> {
        let stages = match self.stages.first().map(|s| &s.work) {
            _ if !self.alone => 0..self.stages.len(),
            Some(Work::Source(_)) => 0..1,
            _ => self.stages.len().saturating_sub(1)..self.stages.len(),
        };
        if !self.alone {
            self.direct.pass(&mut self.stages, &mut self.batch);
        }
        self.batch.check_structs()?;
        stage::run(&mut self.stages, stages, &mut self.batch, &mut self.guest.port);
        Ok(())
    }

    /// Hands the waiting batch over; false if the window is full.
    fn put_records(&mut self) -> Result<bool> {
        let data = self.batch.data();
        match self.guest.port.host.put(message::RECORDS, self.produced, &self.head, data) {
            0 => {}
            -1 => return Ok(false),
            code => return Err(put_error("put", message::RECORDS, code, self.head.len() + data.len())),
        }
        self.pending = false;
        if std::mem::take(&mut self.batch.boundary) {
            let code = self.guest.port.host.commit(self.produced, &[]);
            if code != 0 {
                return Err(put_error("commit", 0, code, 0));
            }
        }
        self.leave()?;
        Ok(true)
    }

    /// Answers ALONE between two batches: no record behind this message has passed the other stages, unless one of them
    /// can't say what it keeps.
    fn leave(&mut self) -> Result<()> {
        if self.pending {
            return Ok(());
        }
        let Some(seq) = self.leaving.take() else { return Ok(()) };
        let states = state::export(&mut self.stages);
        self.alone = state::is_whole(&states);
        self.guest.port.put(message::STATE, seq, &states.to_body(), &[])?;
        Ok(())
    }

    fn handle(&mut self, event: Event) -> std::result::Result<Flow, Fatal> {
        match event.kind {
            kind::BATCH => return self.answer(event),
            kind::STOP => {
                self.stop();
                return Ok(Flow::Stop);
            }
            kind::PAUSE => self.paused = true,
            kind::RESUME => self.paused = false,
            kind::DURABLE | kind::COMMITTED => self.tell_source(&event)?,
            kind::OPEN | kind::CLOSE | kind::FLUSH => self.tell_sink(&event)?,
            kind::EXPORT => {
                let body = state::export(&mut self.stages).to_body();
                self.guest.port.put(message::STATE, event.seq as i32, &body, &[])?;
            }
            kind::ALONE => {
                self.leaving = Some(event.seq as i32);
                self.leave()?;
            }
            kind::IMPORT => {
                state::import(&mut self.stages, &event.value()?).map_err(|(stage, error)| Fatal::at(stage, error))?;
                self.guest.port.put(message::IMPORTED, event.seq as i32, &[], &[])?;
            }
            _ => {}
        }
        self.guest.port.recycle(event);
        Ok(Flow::On)
    }

    /// Runs the stages over a batch of the host and puts the result.
    fn answer(&mut self, event: Event) -> std::result::Result<Flow, Fatal> {
        let (seq, end) = (event.seq as i32, event.end);
        self.batch.load(event.bytes, EVENT_BYTES, end, !self.alone && self.direct.is_possible())?;
        self.pass()?;
        if self.strict {
            stage::cut_behind_failure(&mut self.batch);
        }
        let last = self.stages.len().saturating_sub(1);
        let as_a_whole = self.batch.failures.first().is_some_and(|f| f.origin == NONE);
        if let (Some(Stage { work: Work::Sink(sink), .. }), false) = (self.stages.last_mut(), as_a_whole) {
            side::at(Phase::Put, last);
            let outcome = sink.put(&mut self.batch);
            for failure in self.batch.failures.iter_mut().filter(|f| f.stage == NONE) {
                failure.stage = last as u32;
            }
            if let Err(error) = outcome {
                self.batch.failures.clear();
                self.batch.failures.push(crate::batch::Failure { origin: NONE, stage: last as u32, error });
            }
            self.batch.entries.clear();
        }
        let data = self.batch.encode(&mut self.head)?;
        self.guest.port.put(message::RESULT, seq, &self.head, data)?;
        let buffer = self.batch.take_input();
        self.guest.port.recycle_buffer(buffer);
        self.report_errant()?;
        Ok(Flow::On)
    }

    /// Tells what the sink gives up of earlier batches.
    fn report_errant(&mut self) -> Result<()> {
        let Some(Stage { work: Work::Sink(sink), .. }) = self.stages.last_mut() else { return Ok(()) };
        for errant in sink.take_errant() {
            self.guest.port.put(message::ERRANT, 0, &[], &errant.to_body())?;
        }
        Ok(())
    }

    fn tell_source(&mut self, event: &Event) -> std::result::Result<(), Fatal> {
        let Some(Stage { work: Work::Source(source), .. }) = self.stages.first_mut() else { return Ok(()) };
        side::at(Phase::Commit, 0);
        let value = event.value()?;
        match event.kind {
            kind::DURABLE => {
                let batches: Vec<i64> = value.as_array().iter().filter_map(Value::as_int).collect();
                source.durable(&batches)?;
            }
            _ => source.committed(value.as_int().ok_or_else(|| malformed("COMMITTED"))?)?,
        }
        Ok(())
    }

    fn tell_sink(&mut self, event: &Event) -> std::result::Result<(), Fatal> {
        let last = self.stages.len().saturating_sub(1);
        let offsets = event.offsets()?;
        let Some(Stage { work: Work::Sink(sink), .. }) = self.stages.last_mut() else { return Ok(()) };
        let at_sink = |error| Fatal::at(last, error);
        match event.kind {
            kind::OPEN => sink.open(&offsets).map_err(at_sink)?,
            kind::CLOSE => sink.close(&offsets).map_err(at_sink)?,
            _ => {
                side::at(Phase::Flush, last);
                let safe = sink.flush(offsets).map_err(at_sink)?;
                self.report_errant()?;
                let body = event::offsets_value(&safe).to_body();
                let code = self.guest.port.host.commit(event.seq as i32, &body);
                if code != 0 {
                    return Err(put_error("commit", 0, code, body.len()).into());
                }
            }
        }
        Ok(())
    }

    fn stop(&mut self) {
        for (i, stage) in self.stages.iter_mut().enumerate() {
            side::at(Phase::Stop, i);
            match &mut stage.work {
                Work::Source(source) => source.stop(),
                Work::Sink(sink) => sink.stop(),
                _ => {}
            }
        }
    }
}
