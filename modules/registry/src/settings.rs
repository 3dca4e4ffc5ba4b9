//! What all converters with a registry have in common: their configuration, and how subjects are named.

use berth_guest::{
    Config, ConfigDef, ConfigKey, ConfigType, Context, Error, Importance, Parsed, Result, StageKind, Validator,
};

/// How the subject of a schema is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    Topic,
    Record,
    TopicRecord,
}

const NAMING_PACKAGE: &str = "io.confluent.kafka.serializers.subject.";
const NAMINGS: [(&str, Naming); 3] = [
    ("TopicNameStrategy", Naming::Topic),
    ("RecordNameStrategy", Naming::Record),
    ("TopicRecordNameStrategy", Naming::TopicRecord),
];

/// The common part of a converter's configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Of keys, not of values.
    pub is_key: bool,
    pub naming: Naming,
    pub register: bool,
    pub use_latest: bool,
    /// Seconds for which the latest schema counts; negative: for good.
    pub latest_seconds: i64,
    pub strict_latest: bool,
    pub normalize: bool,
    /// Id of the schema to write with; negative: none is fixed.
    pub schema_id: i32,
    /// Most schemas that are kept ready.
    pub cache: usize,
}

/// Keys that every converter with a registry has; those of the connection are the host's, which reads them itself.
pub fn keys() -> Vec<ConfigKey> {
    let text = |name, doc| ConfigKey::new(name, ConfigType::String, doc);
    let flag = |name, preset, doc| ConfigKey::new(name, ConfigType::Boolean, doc).default(preset);
    let number =
        |name, preset, doc| ConfigKey::new(name, ConfigType::Int, doc).default(preset).importance(Importance::Low);
    let secret = |name, doc| ConfigKey::new(name, ConfigType::Password, doc).null();
    let mut keys = vec![
        ConfigKey::new("schema.registry.url", ConfigType::List, "Addresses of the schema registry, tried in turn.")
            .importance(Importance::High)
            .validator(Validator::NonEmpty),
        flag("auto.register.schemas", "true", "Register the schema of what is written."),
        flag(
            "use.latest.version",
            "false",
            "Write with the newest schema of the subject; auto.register.schemas must be false.",
        ),
        flag(
            "latest.compatibility.strict",
            "true",
            "With use.latest.version: refuse what the newest schema can't read.",
        ),
        number("use.schema.id", "-1", "Write with the schema that has this id; auto.register.schemas must be false."),
        flag("normalize.schemas", "false", "Have the registry normalise schemas before it compares them."),
        number("schemas.cache.config", "1000", "Most schemas that are kept ready."),
        number("latest.cache.ttl.sec", "-1", "Seconds for which the newest schema of a subject counts; -1: for good."),
        text("basic.auth.credentials.source", "Where user and password stand: URL or USER_INFO.")
            .default("URL")
            .validator(Validator::OneOf(["URL", "USER_INFO"].map(String::from).to_vec())),
        secret("basic.auth.user.info", "user:password."),
        secret("schema.registry.basic.auth.user.info", "The older name of basic.auth.user.info."),
        text("bearer.auth.credentials.source", "STATIC_TOKEN: authenticate with bearer.auth.token.").null(),
        secret("bearer.auth.token", "The token."),
        number("http.connect.timeout.ms", "5000", "Most time for a connection to the registry."),
        number("http.read.timeout.ms", "10000", "Most time for an answer of the registry."),
        number("max.retries", "3", "How often a request is repeated before the batch is given again later."),
        number("retries.wait.ms", "500", "Wait before the first repetition; it doubles."),
        number("retries.max.wait.ms", "5000", "The longest wait."),
    ];
    for (name, of) in [("key.subject.name.strategy", "keys"), ("value.subject.name.strategy", "values")] {
        let all = NAMINGS.iter().map(|(short, _)| format!("{NAMING_PACKAGE}{short}")).collect();
        let doc =
            if of == "keys" { "How the subjects of keys are named." } else { "How the subjects of values are named." };
        keys.push(
            text(name, doc)
                .default("io.confluent.kafka.serializers.subject.TopicNameStrategy")
                .validator(Validator::OneOf(all)),
        );
    }
    keys.extend(tls_keys());
    keys
}

fn tls_keys() -> Vec<ConfigKey> {
    let text = |name, doc| ConfigKey::new(name, ConfigType::String, doc).null().importance(Importance::Low);
    let secret = |name, doc| ConfigKey::new(name, ConfigType::Password, doc).null().importance(Importance::Low);
    vec![
        text("schema.registry.ssl.truststore.location", "PEM file with the certificates to trust."),
        secret("schema.registry.ssl.truststore.certificates", "The same as text."),
        text("schema.registry.ssl.truststore.type", "PEM."),
        text("schema.registry.ssl.keystore.location", "PEM file with the client's certificate chain and key."),
        secret("schema.registry.ssl.keystore.certificate.chain", "The chain as text."),
        secret("schema.registry.ssl.keystore.key", "The key as text, not encrypted."),
        text("schema.registry.ssl.keystore.type", "PEM."),
        ConfigKey::new(
            "schema.registry.ssl.endpoint.identification.algorithm",
            ConfigType::String,
            "https: the certificate must name the host; empty: any name will do.",
        )
        .default("https")
        .importance(Importance::Low),
    ]
}

/// The definition with the converter's own keys.
pub fn definition(own: Vec<ConfigKey>) -> ConfigDef {
    let mut all = keys();
    all.extend(own);
    ConfigDef::new(all)
}

/// Reads a converter's configuration.
pub fn read(context: &Context, definition: &ConfigDef) -> Result<(Settings, Parsed)> {
    let config: &Config = &context.config;
    let parsed = definition.parse(config)?;
    let is_key = context.kind == StageKind::KeyConverter;
    let naming = parsed.string(if is_key { "key.subject.name.strategy" } else { "value.subject.name.strategy" });
    let settings = Settings {
        is_key,
        naming: NAMINGS.iter().find(|(short, _)| naming.ends_with(&format!(".{short}"))).map_or(Naming::Topic, |n| n.1),
        register: parsed.boolean("auto.register.schemas"),
        use_latest: parsed.boolean("use.latest.version"),
        latest_seconds: parsed.int("latest.cache.ttl.sec"),
        strict_latest: parsed.boolean("latest.compatibility.strict"),
        normalize: parsed.boolean("normalize.schemas"),
        schema_id: parsed.int("use.schema.id") as i32,
        cache: parsed.int("schemas.cache.config").max(1) as usize,
    };
    if context.from && settings.register && (settings.use_latest || settings.schema_id >= 0) {
        return Err(Error::config(
            "auto.register.schemas=true leaves use.latest.version and use.schema.id without effect: set \
             auto.register.schemas=false",
        ));
    }
    Ok((settings, parsed))
}

impl Settings {
    /// The subject of a schema; `record` is its full name, if it has one.
    pub fn subject(&self, topic: &str, record: Option<&str>) -> Result<String> {
        let name = || {
            record.ok_or_else(|| {
                Error::data(format!(
                    "a value of topic {topic} has a schema without a name, which its subject is to be named after: \
                     choose TopicNameStrategy, or name the schema (transform SetSchemaMetadata)"
                ))
            })
        };
        Ok(match self.naming {
            Naming::Topic => format!("{topic}-{}", if self.is_key { "key" } else { "value" }),
            Naming::Record => name()?.to_string(),
            Naming::TopicRecord => format!("{topic}-{}", name()?),
        })
    }
}
