//! Write Berth plugins in Rust.
//!
//! A module is an ordinary program for `wasm32-wasip1` whose `main` is made by [`main!`] from a list of [`Plugin`]s:
//!
//! ```no_run
//! use berth_guest::{Context, Make, Outcome, Plugin, Record, Result, Transform};
//!
//! struct Upper;
//!
//! impl Transform for Upper {
//!     fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
//!         let topic = record.topic().to_uppercase();
//!         record.set_topic(&topic)?;
//!         Ok(Outcome::Keep)
//!     }
//! }
//!
//! fn plugins() -> Vec<Plugin> {
//!     let new = |_: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(Upper)) };
//!     vec![Plugin::new("example.Upper", "1.0.0", "Upper-case topics.", Make::Transform(new))]
//! }
//!
//! berth_guest::main!(plugins);
//! ```
//!
//! The path of records allocates nothing per record: a [`Batch`] keeps the host's bytes, stages append what they change
//! to arenas that are used again, and values are read in place ([`ValueRef`]) and written as a stream ([`Builder`]).
//!
//! What to implement: [`Source`] and [`Sink`] with a [`Connector`] each ([`SameConfig`] if there is nothing to divide),
//! [`Transform`], [`Predicate`], [`Converter`]. Nothing may wait: a source says with [`Next`] when it wants to be
//! polled again, and the main loop sleeps in `poll_oneoff` meanwhile. Errors say by their [`Kind`] what the worker does.
//!
//! Plugins are tested natively with [`fake::FakeHost`], without Wasm; [`fuzz`] makes input that nobody thought of.

#![deny(unsafe_op_in_unsafe_fn)]

mod answers;
mod batch;
mod builder;
mod bytes;
mod config;
mod constant;
mod dictionary;
mod direct;
mod entry;
mod error;
pub mod event;
pub mod fake;
mod fields;
pub mod files;
pub mod fuzz;
pub mod host;
pub mod http;
mod java_string;
mod layouts;
pub mod limits;
mod memory;
pub mod network;
mod plan;
mod plugin;
mod port;
mod record;
mod run;
pub mod schema;
pub mod side;
mod sketch;
mod stage;
mod state;
mod sys;
mod value;

pub use batch::{Batch, Failure};
pub use builder::{Builder, Stack};
pub use bytes::{append, same};
pub use config::{split_list, trim, Config, ConfigDef, ConfigKey, ConfigType, Importance, Parsed, Validator};
pub use constant::Constant;
pub use dictionary::{Dictionaries, Dictionary, FixedSchema, PerSchema, PerTopic};
pub use entry::{Cell, Entry, ENTRY_BYTES, NO_TIMESTAMP, NO_TOPIC};
pub use error::{Error, Kind, Result};
pub use fields::{assemble_parts, part_of, within, Decode, Part, Scratch};
pub use layouts::Layouts;
pub use memory::Memory;
pub use plan::{Context, Plan, Role, StageKind, StagePlan};
pub use plugin::{
    manifest, AlterOffsets, Altered, Connector, Converter, Errant, Make, New, Next, Outcome, PartsWriter, Plugin,
    Predicate, Remark, SameConfig, Sink, Source, Supports, TopicOffset, Transform, Watch,
};
pub use port::Ask;
pub use record::{put_header, Arena, CellOut, Header, Headers, Record};
pub use run::{run, End};
pub use schema::{Field, Schema, Type};
pub use sketch::{CellSketch, Compute, FieldSketch, Sketch, SketchFields, SketchWriter};
pub use stage::Pass;
pub use state::{State, STATE_BYTES_MAX};
pub use sys::Appender;
pub use value::{is_utf8, text, Items, Tag, Value, ValueRef, NONE};

/// Makes `main` from a function that lists the module's plugins.
#[macro_export]
macro_rules! main {
    ($plugins:path) => {
        fn main() {
            $crate::start($plugins);
        }
    };
}

/// Runs the module: what [`main!`] calls. Natively it prints what the module holds, for there is no host.
pub fn start(plugins: fn() -> Vec<Plugin>) {
    #[cfg(target_arch = "wasm32")]
    {
        sys::host::mark_abi();
        sys::host::position(&side::POSITION);
        std::panic::set_hook(Box::new(report_panic));
        if let End::Failed(_) = run(&mut host::Imports, &plugins()) {
            std::process::exit(1);
        }
    }
    #[cfg(not(target_arch = "wasm32"))]
    for plugin in plugins() {
        println!("{} {}", plugin.class, plugin.version);
    }
}

/// Tells the host where and why before the trap.
#[cfg(target_arch = "wasm32")]
fn report_panic(info: &std::panic::PanicHookInfo<'_>) {
    let error = Error::internal(format!("panic: {}", panic_text(info)));
    let (stage, record) = side::position();
    let body = event::failed(&error, stage, record).to_body();
    sys::host::put(event::message::FAILED, 0, &body, &[]);
}

/// Message first, then the place.
#[cfg(target_arch = "wasm32")]
fn panic_text(info: &std::panic::PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let message = payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
    let place = info.location().map_or_else(String::new, |l| format!(" at {}:{}", l.file(), l.line()));
    format!("{}{place}", message.unwrap_or("no message"))
}
