//! The plan of an instance (section 7 of the ABI) and what a plugin learns of it.

use crate::config::Config;
use crate::error::{malformed, Result};
use crate::limits;
use crate::value::Value;

/// What the instance is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Describe,
    Validate,
    Connector,
    Task,
}

/// What a stage does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageKind {
    Source,
    Sink,
    Transform,
    Predicate,
    KeyConverter,
    ValueConverter,
    HeaderConverter,
}

/// One stage of the plan.
#[derive(Clone, Debug)]
pub struct StagePlan {
    pub kind: StageKind,
    pub plugin: String,
    pub alias: String,
    pub config: Config,
    /// Converters: from Connect to bytes.
    pub from: bool,
    pub guarded: bool,
    pub negate: bool,
}

/// The whole plan.
#[derive(Clone, Debug)]
pub struct Plan {
    pub role: Role,
    pub connector: String,
    pub task: i32,
    pub worker: String,
    pub stages: Vec<StagePlan>,
    /// Source partitions with their stored offsets, both as maps.
    pub offsets: Vec<(Value, Value)>,
    pub files: Vec<String>,
    pub stdio: bool,
    pub batch_bytes: usize,
    pub batch_records: usize,
    /// Errors are not tolerated: of a batch, nothing behind the first record that failed goes further.
    pub strict: bool,
}

impl Plan {
    pub(crate) fn decode(value: &Value) -> Result<Plan> {
        let text = |key: &str| value.get(key).as_str().unwrap_or_default().to_string();
        let role = match text("role").as_str() {
            "describe" => Role::Describe,
            "validate" => Role::Validate,
            "connector" => Role::Connector,
            "task" => Role::Task,
            _ => return Err(malformed("plan: unknown role")),
        };
        let stages = value.get("stages").as_array().iter().map(stage).collect::<Result<Vec<_>>>()?;
        if stages.len() > limits::STAGES {
            return Err(malformed("plan: too many stages"));
        }
        let pair = |pair: &Value| match pair.as_array() {
            [partition, offset] => Some((partition.clone(), offset.clone())),
            _ => None,
        };
        let size = |key: &str, limit: usize| match value.get(key).as_int() {
            Some(n) if n > 0 => (n as usize).min(limit),
            _ => limit,
        };
        Ok(Plan {
            role,
            connector: text("connector"),
            task: value.get("task").as_int().unwrap_or(0) as i32,
            worker: text("worker"),
            stages,
            offsets: value.get("offsets").as_array().iter().filter_map(pair).collect(),
            files: value.get("files").as_array().iter().filter_map(|f| f.as_str().map(String::from)).collect(),
            stdio: value.get("stdio").as_bool().unwrap_or(false),
            batch_bytes: size("batch_bytes", limits::BATCH_BYTES),
            batch_records: size("batch_records", limits::BATCH_RECORDS),
            strict: value.get("strict").as_bool().unwrap_or(false),
        })
    }
}

fn stage(value: &Value) -> Result<StagePlan> {
    let text = |key: &str| value.get(key).as_str().unwrap_or_default().to_string();
    let flag = |key: &str| value.get(key).as_bool().unwrap_or(false);
    let kind = match text("kind").as_str() {
        "source" => StageKind::Source,
        "sink" => StageKind::Sink,
        "transform" => StageKind::Transform,
        "predicate" => StageKind::Predicate,
        "key_converter" => StageKind::KeyConverter,
        "value_converter" => StageKind::ValueConverter,
        "header_converter" => StageKind::HeaderConverter,
        _ => return Err(malformed("plan: unknown kind of stage")),
    };
    Ok(StagePlan {
        kind,
        plugin: text("plugin"),
        alias: text("alias"),
        config: Config::from_value(value.get("config")),
        from: flag("from"),
        guarded: flag("guarded"),
        negate: flag("negate"),
    })
}

/// What a plugin is told when it is made.
#[derive(Clone, Debug)]
pub struct Context {
    pub config: Config,
    pub kind: StageKind,
    /// Converters: from Connect to bytes.
    pub from: bool,
    pub connector: String,
    pub task: i32,
    pub worker: String,
    /// Source partitions with their stored offsets.
    pub offsets: Vec<(Value, Value)>,
    /// Directories that the operator granted.
    pub files: Vec<String>,
    /// fds 0 and 1 are the worker's.
    pub stdio: bool,
    pub batch_bytes: usize,
    pub batch_records: usize,
}

impl Context {
    pub(crate) fn of(plan: &Plan, stage: &StagePlan) -> Context {
        Context {
            config: stage.config.clone(),
            kind: stage.kind,
            from: stage.from,
            connector: plan.connector.clone(),
            task: plan.task,
            worker: plan.worker.clone(),
            offsets: plan.offsets.clone(),
            files: plan.files.clone(),
            stdio: plan.stdio,
            batch_bytes: plan.batch_bytes,
            batch_records: plan.batch_records,
        }
    }

    /// A context for a test of a plugin.
    pub fn for_test(kind: StageKind, config: Config) -> Context {
        Context {
            config,
            kind,
            from: false,
            connector: "test".into(),
            task: 0,
            worker: "test".into(),
            offsets: Vec::new(),
            files: Vec::new(),
            stdio: false,
            batch_bytes: 1 << 20,
            batch_records: 2_000,
        }
    }

    /// The stored offset of a source partition.
    pub fn offset(&self, partition: &Value) -> Option<&Value> {
        self.offsets.iter().find(|(p, _)| same_map(p, partition)).map(|(_, o)| o)
    }
}

/// Equality of partitions: maps without regard to order, integers without regard to width (JSON keeps none).
fn same_map(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Map(x), Value::Map(y)) => {
            x.len() == y.len() && x.iter().all(|(k, v)| y.iter().any(|(k2, v2)| same_map(k, k2) && same_map(v, v2)))
        }
        _ => match (a.as_int(), b.as_int()) {
            (Some(m), Some(n)) => m == n,
            _ => a == b,
        },
    }
}
