//! A module for tests of the SDK's network in the sandbox: its transformation takes a record's value as what to do, and
//! puts what came of that in its place.

use std::io::{Read, Write};
use std::time::Duration;

use berth_guest::http::{Client, Request};
use berth_guest::network::{self, Tls};
use berth_guest::{
    Config, ConfigDef, ConfigKey, ConfigType, Context, Make, Outcome, Plugin, Record, Result, Tag, Transform,
};

struct Fetch {
    client: Client,
    token: String,
}

impl Transform for Fetch {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
        let text = record.value().str().unwrap_or_default().to_string();
        let (act, target) = text.split_once(' ').unwrap_or((&text, ""));
        let told = self.act(act, target).unwrap_or_else(|error| format!("{:?}: {error}", error.code));
        record.entry.value = record.arena.write(Tag::String, record.entry.value.schema, |out| {
            out.extend_from_slice(told.as_bytes());
            Ok(())
        })?;
        Ok(Outcome::Keep)
    }
}

impl Fetch {
    fn act(&mut self, act: &str, target: &str) -> network::Result<String> {
        match act {
            "get" => self.send(&Request::new("GET", target)),
            "basic" => self.send(&Request::new("POST", target).basic_auth("ann", &self.token).body("text/plain", "hi")),
            "echo" => echo(target),
            "lookup" => network::lookup_host(target).map(|found| found.join(",")),
            _ => Ok(format!("unknown act {act}")),
        }
    }

    fn send(&mut self, request: &Request) -> network::Result<String> {
        let response = self.client.send(request)?;
        Ok(format!("{} {}", response.status, String::from_utf8_lossy(&response.body)))
    }
}

/// Sends more than fits into buffers, piece by piece, and has it come back.
fn echo(target: &str) -> network::Result<String> {
    let (host, port) = target.rsplit_once(':').unwrap_or((target, ""));
    let mut conn = network::dial(host, port.parse().unwrap_or(0))?;
    let sent: Vec<u8> = (0..300_000u32).map(|i| i as u8).collect();
    let mut got = vec![0; sent.len()];
    for (piece, back) in sent.chunks(50_000).zip(got.chunks_mut(50_000)) {
        conn.write_all(piece)?;
        conn.read_exact(back)?;
    }
    conn.shutdown_write()?;
    let mut rest = Vec::new();
    conn.read_to_end(&mut rest)?;
    conn.set_timeout(Some(Duration::from_millis(1)))?;
    Ok(format!("{} {}", got == sent, rest.len()))
}

fn new(context: &Context) -> Result<Box<dyn Transform>> {
    let tls = Tls { roots: text(&context.config, "roots"), ..Tls::default() };
    Ok(Box::new(Fetch { client: Client::new(Duration::from_secs(60), tls), token: text(&context.config, "token") }))
}

fn text(config: &Config, key: &str) -> String {
    config.get(key).unwrap_or_default().to_string()
}

fn plugins() -> Vec<Plugin> {
    let key = |name, kind| ConfigKey::new(name, kind, "For tests.").default("");
    vec![Plugin::new("kit.Fetch", "1.0.0", "Talks to the network.", Make::Transform(new))
        .capabilities(&["net", "secrets"])
        .needs("net", &["127.0.0.1:*"])
        .needs("secrets", &["token"])
        .config(ConfigDef::new(vec![key("roots", ConfigType::String), key("token", ConfigType::Password)]))]
}

berth_guest::main!(plugins);
