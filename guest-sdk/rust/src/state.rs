//! What stages hand over when another version takes their place (EXPORT and IMPORT).

use crate::error::{malformed, Error, Result};
use crate::limits::{cut, ERROR_BYTES};
use crate::side::{self, Phase};
use crate::stage::{Stage, Work};
use crate::value::Value;

/// Most bytes of the states of an instance together.
pub const STATE_BYTES_MAX: usize = 8 << 20;

/// What a transform, predicate or converter keeps from record to record. When another version takes a stage over while
/// its task runs, it is given what the one before exports. Both are called between two batches, while records wait.
pub trait State {
    /// What to hand over, all stages of a task together at most [`STATE_BYTES_MAX`]. The stage goes on if what follows
    /// fails: exporting changes nothing. An error ends the swap, not the stage.
    fn export(&mut self) -> Result<Vec<u8>>;

    /// Takes what a stage of that version of the plugin has exported in place of what this one has: before the first
    /// record, or when the stage gets its records back. An error ends the swap.
    fn import(&mut self, version: &str, state: &[u8]) -> Result<()>;
}

impl Stage {
    fn state(&mut self) -> Option<&mut dyn State> {
        match &mut self.work {
            Work::Source(_) | Work::Sink(_) => None,
            Work::Transform(transform) => transform.state(),
            Work::Predicate(predicate) => predicate.state(),
            Work::Converter(converter, _) => converter.state(),
        }
    }
}

/// The body of STATE.
pub(crate) fn export(stages: &mut [Stage]) -> Value {
    let mut left = STATE_BYTES_MAX;
    let mut states = Vec::new();
    for (i, stage) in stages.iter_mut().enumerate() {
        let version = stage.version;
        let Some(keeper) = stage.state() else { continue };
        side::at(Phase::State, i);
        let (state, error) = match keeper.export() {
            Ok(state) if state.len() <= left => (state, String::new()),
            Ok(state) => (Vec::new(), too_large(state.len(), left)),
            Err(error) => (Vec::new(), cut(&error.text(), ERROR_BYTES).to_string()),
        };
        left -= state.len();
        states.push(Value::map([
            ("stage", Value::Int32(i as i32)),
            ("version", Value::str(version)),
            ("state", Value::Bytes(state)),
            ("error", Value::str(error)),
        ]));
    }
    Value::Array(states)
}

/// Whether the body of STATE has what each stage keeps.
pub(crate) fn is_whole(states: &Value) -> bool {
    states.as_array().iter().all(|state| state.get("error").as_str() == Some(""))
}

fn too_large(bytes: usize, left: usize) -> String {
    format!("the state has {bytes} bytes; {left} are left of the {STATE_BYTES_MAX} for all stages")
}

/// Takes the body of IMPORT; the error says which stage failed.
pub(crate) fn import(stages: &mut [Stage], states: &Value) -> std::result::Result<(), (usize, Error)> {
    for one in states.as_array() {
        let place = one.get("stage").as_int().and_then(|i| usize::try_from(i).ok());
        let (Some(i), Value::Bytes(state)) = (place, one.get("state")) else { return Err((0, malformed("IMPORT"))) };
        let stage = stages.get_mut(i).ok_or_else(|| (0, malformed("IMPORT: no such stage")))?;
        if let Some(keeper) = stage.state() {
            side::at(Phase::State, i);
            keeper.import(one.get("version").as_str().unwrap_or(""), state).map_err(|error| (i, error))?;
        }
    }
    Ok(())
}
