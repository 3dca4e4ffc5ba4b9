//! Values, schemas and records of the vectors, turned into those of the ABI, and texts of both to compare.

use std::rc::Rc;

use super::json::Json;
use crate::base64;
use crate::java_number::{bigint_bytes, bigint_text};
use crate::java_text;
use crate::wtf8;
use berth_guest::limits;
use berth_guest::{
    put_header, Batch, Cell, Dictionaries, Entry, Field, Header, Schema, Tag, Type, Value, ValueRef, NONE, NO_TOPIC,
};

/// A value that the ABI can't hold.
#[derive(Debug)]
pub struct Foreign;

pub fn schema(json: &Json) -> Result<Option<Rc<Schema>>, Foreign> {
    let Some(kind) = json.get("type").text().and_then(Type::of_name) else { return Ok(None) };
    let mut out = Schema::new(kind);
    out.optional = json.get("optional") == &Json::Bool(true);
    out.name = json.get("name").text().map(Rc::from);
    out.version = json.get("version").int().map(|n| n as i32);
    out.doc = json.get("doc").text().map(Rc::from);
    if json.has("parameters") {
        let pair = |p: &Json| Some((p.list().first()?.text()?.to_string(), p.list().get(1)?.text()?.to_string()));
        out.parameters = Some(json.get("parameters").list().iter().filter_map(pair).collect());
    }
    out.key = schema(json.get("key"))?;
    out.element = schema(json.get("value"))?;
    for field in json.get("fields").list() {
        let child = schema(field.get("schema"))?.ok_or(Foreign)?;
        out.fields.push(Field { name: field.get("name").text().unwrap_or_default().into(), schema: child });
    }
    if json.has("default") {
        set_default(&mut out, json.get("default"))?;
    }
    Ok(Some(Rc::new(out)))
}

fn set_default(schema: &mut Schema, json: &Json) -> Result<(), Foreign> {
    let mut dict = Dictionaries::default();
    let default = value(json, Some(&schema.clone()), &mut dict)?;
    // A schema outlives batches, so nothing in it refers to their schemas.
    schema.default = Some(match default {
        Value::Struct(own, items) => {
            schema.default_schema = dict.schema(own).map_err(|_| Foreign)?;
            Value::Struct(NONE, items)
        }
        other => other,
    });
    Ok(())
}

/// A value; structs with a schema of their own name it in `dict`.
pub fn value(json: &Json, declared: Option<&Schema>, dict: &mut Dictionaries) -> Result<Value, Foreign> {
    if depth(json) > limits::DEPTH {
        return Err(Foreign);
    }
    value_within(json, declared, dict)
}

/// Containers within each other.
fn depth(json: &Json) -> usize {
    let deepest = |items: &[Json]| items.iter().map(depth).max().unwrap_or(0);
    match (json.get("t").text(), json.get("v")) {
        (Some("list"), Json::List(items)) => 1 + deepest(items),
        (Some("map"), Json::List(entries)) => 1 + entries.iter().map(|e| deepest(e.list())).max().unwrap_or(0),
        (Some("struct"), Json::Object(fields)) => 1 + fields.iter().map(|(_, v)| depth(v)).max().unwrap_or(0),
        _ => 0,
    }
}

fn value_within(json: &Json, declared: Option<&Schema>, dict: &mut Dictionaries) -> Result<Value, Foreign> {
    if json == &Json::Null {
        return Ok(Value::Null);
    }
    let v = json.get("v");
    let text = v.text().unwrap_or_default();
    let int = || text.parse::<i64>().map_err(|_| Foreign);
    let bits = || u64::from_str_radix(json.get("bits").text().unwrap_or(""), 16).map_err(|_| Foreign);
    Ok(match json.get("t").text().unwrap_or_default() {
        "int8" => Value::Int8(int()? as i8),
        "int16" => Value::Int16(int()? as i16),
        "int32" => Value::Int32(int()? as i32),
        "int64" => Value::Int64(int()?),
        "float32" => Value::Float32(f32::from_bits(bits()? as u32)),
        "float64" => Value::Float64(f64::from_bits(bits()?)),
        "bool" => Value::Boolean(v == &Json::Bool(true)),
        "string" if json.has("utf16") => Value::utf16(&units(json.get("utf16"))?),
        "string" => Value::str(text),
        // JsonConverter and ByteArrayConverter take the whole array below a buffer, whatever its position.
        "bytes" | "bytebuffer" => Value::Bytes(base64::decode(text).map_err(|_| Foreign)?),
        "decimal" => {
            let unscaled = bigint_bytes(json.get("unscaled").text().unwrap_or("")).ok_or(Foreign)?;
            Value::Decimal(json.get("scale").int().ok_or(Foreign)? as i32, unscaled)
        }
        "java" => Value::Object(json.get("class").text().ok_or(Foreign)?.into(), object_text(v)?),
        "bigint" => Value::BigInt(bigint_bytes(text).ok_or(Foreign)?),
        "date" => Value::Date(json.get("ms").int().ok_or(Foreign)?),
        "list" => {
            let element = declared.and_then(|s| s.element.clone());
            let item = |item: &Json| value_within(item, element.as_deref(), &mut *dict);
            Value::Array(v.list().iter().map(item).collect::<Result<_, _>>()?)
        }
        "map" => {
            let (key, element) = declared.map_or((None, None), |s| (s.key.clone(), s.element.clone()));
            let mut entries = Vec::new();
            for pair in v.list() {
                let key = value_within(&pair.list()[0], key.as_deref(), dict)?;
                entries.push((key, value_within(&pair.list()[1], element.as_deref(), dict)?));
            }
            Value::Map(entries)
        }
        "struct" => {
            let own = schema(json.get("schema"))?;
            let index = match &own {
                Some(own) => dict.intern_schema(own).map_err(|_| Foreign)?,
                None => NONE,
            };
            let fields = own.as_deref().or(declared).ok_or(Foreign)?.fields.clone();
            let field = |f: &Field| value_within(v.get(&f.name), Some(&f.schema), &mut *dict);
            Value::Struct(index, fields.iter().map(field).collect::<Result<_, _>>()?)
        }
        _ => return Err(Foreign),
    })
}

/// The units of a text in UTF-16, four hex digits each.
pub fn units(json: &Json) -> Result<Vec<u16>, Foreign> {
    let digits = json.text().unwrap_or_default().as_bytes();
    let unit = |four: &[u8]| str::from_utf8(four).ok().and_then(|four| u16::from_str_radix(four, 16).ok());
    digits.chunks(4).map(|four| unit(four).ok_or(Foreign)).collect()
}

/// A text in the vectors' form: in UTF-16 if it holds half a surrogate pair.
pub fn halved_json(units: &[u16]) -> Json {
    let digits: String = units.iter().map(|unit| format!("{unit:04x}")).collect();
    Json::object([("t", Json::text_of("string")), ("utf16", Json::text_of(digits))])
}

/// The text of an object of another class: a collection's is that of a list.
fn object_text(json: &Json) -> Result<String, Foreign> {
    if let Some(text) = json.text() {
        return Ok(text.to_string());
    }
    let mut dict = Dictionaries::default();
    let items = json.list().iter().map(|item| value_within(item, None, &mut dict)).collect::<Result<_, _>>()?;
    let (list, mut out) = (Value::Array(items).to_body(), Vec::new());
    java_text::append(ValueRef::of_item(&list).ok_or(Foreign)?, None, &mut dict, &mut out);
    Ok(wtf8::shown(&out).into_owned())
}

/// A schema in the vectors' form.
pub fn schema_json(schema: &Schema, dict: &mut Dictionaries) -> Json {
    let text = |text: &Option<Rc<str>>| text.as_deref().map_or(Json::Null, Json::text_of);
    let mut members = vec![("type", Json::text_of(schema.kind.name()))];
    let mut put = |key, value| {
        if value != Json::Null {
            members.push((key, value));
        }
    };
    put("optional", if schema.optional { Json::Bool(true) } else { Json::Null });
    put("name", text(&schema.name));
    put("version", schema.version.map_or(Json::Null, Json::number_of));
    put("doc", text(&schema.doc));
    let pair = |(k, v): &(String, String)| Json::List(vec![Json::text_of(k), Json::text_of(v)]);
    put("parameters", schema.parameters.as_ref().map_or(Json::Null, |p| Json::List(p.iter().map(pair).collect())));
    put("default", schema.default.as_ref().map_or(Json::Null, |v| default_json(v, schema, dict)));
    put("key", schema.key.as_ref().map_or(Json::Null, |s| schema_json(s, dict)));
    put("value", schema.element.as_ref().map_or(Json::Null, |s| schema_json(s, dict)));
    if schema.kind == Type::Struct {
        let field = |f: &Field| {
            Json::object([("name", Json::text_of(&*f.name)), ("schema", schema_json(&f.schema, &mut *dict))])
        };
        put("fields", Json::List(schema.fields.iter().map(field).collect()));
    }
    Json::object(members)
}

fn default_json(default: &Value, schema: &Schema, dict: &mut Dictionaries) -> Json {
    let named = match (default, &schema.default_schema) {
        (Value::Struct(_, items), Some(own)) => {
            dict.intern_schema(own).ok().map(|own| Value::Struct(own, items.clone()))
        }
        _ => None,
    };
    owned_json(named.as_ref().unwrap_or(default), Some(schema), dict)
}

/// A value in the vectors' form; `declared` is the schema around it.
pub fn owned_json(value: &Value, declared: Option<&Schema>, dict: &mut Dictionaries) -> Json {
    let body = value.to_body();
    value_json(ValueRef::of_item(&body).unwrap_or(ValueRef::NULL), declared, dict)
}

/// As [`owned_json`], of a value in place.
pub fn value_json(v: ValueRef<'_>, declared: Option<&Schema>, dict: &mut Dictionaries) -> Json {
    let of = |t: &str, v: Json| Json::object([("t", Json::text_of(t)), ("v", v)]);
    let number = |t| of(t, Json::text_of(v.int().unwrap_or(0).to_string()));
    let real = |t, bits| Json::object([("t", Json::text_of(t)), ("bits", Json::text_of(bits))]);
    match v.tag {
        Tag::Null => Json::Null,
        Tag::Int8 => number("int8"),
        Tag::Int16 => number("int16"),
        Tag::Int32 => number("int32"),
        Tag::Int64 => number("int64"),
        Tag::Float32 => real("float32", format!("{:08x}", v.float32().unwrap_or(0.0).to_bits())),
        Tag::Float64 => real("float64", format!("{:016x}", v.float64().unwrap_or(0.0).to_bits())),
        Tag::Boolean => of("bool", Json::Bool(v.boolean() == Some(true))),
        Tag::String => of("string", Json::text_of(v.str().unwrap_or_default())),
        Tag::Bytes | Tag::Raw => of("bytes", base64_json(v.payload)),
        Tag::BigInt => of("bigint", Json::text_of(bigint_text(v.payload))),
        Tag::Object if v.is_text() => halved_json(&v.halved().unwrap_or_default()),
        Tag::Object => {
            let (class, text) = v.object().unwrap_or_default();
            let (class, text) = (Json::text_of(class), Json::text_of(text));
            Json::object([("t", Json::text_of("java")), ("class", class), ("v", text)])
        }
        Tag::Date => {
            Json::object([("t", Json::text_of("date")), ("ms", Json::text_of(v.int().unwrap_or(0).to_string()))])
        }
        Tag::Decimal => {
            let (scale, unscaled) = v.decimal().unwrap_or((0, &[]));
            let unscaled = Json::text_of(bigint_text(unscaled));
            Json::object([("t", Json::text_of("decimal")), ("unscaled", unscaled), ("scale", Json::number_of(scale))])
        }
        Tag::Array => {
            let element = declared.and_then(|s| s.element.as_deref());
            of("list", Json::List(v.items().map(|item| value_json(item, element, dict)).collect()))
        }
        Tag::Map => {
            let (key, element) = declared.map_or((None, None), |s| (s.key.as_deref(), s.element.as_deref()));
            let mut entries = Vec::new();
            for (k, item) in v.entries() {
                entries.push(Json::List(vec![value_json(k, key, dict), value_json(item, element, dict)]));
            }
            of("map", Json::List(entries))
        }
        Tag::Struct => struct_json(v, declared, dict),
    }
}

fn struct_json(v: ValueRef<'_>, declared: Option<&Schema>, dict: &mut Dictionaries) -> Json {
    let own = dict.schema(v.struct_schema()).ok().flatten();
    let schema = own.as_deref().or(declared);
    let mut fields = Vec::new();
    for (field, item) in schema.map_or(&[][..], |s| &s.fields).iter().zip(v.items()) {
        fields.push((field.name.to_string(), value_json(item, Some(&field.schema), dict)));
    }
    let mut members = vec![("t", Json::text_of("struct"))];
    if let Some(own) = own.as_deref().filter(|own| Some(*own) != declared) {
        members.push(("schema", schema_json(own, dict)));
    }
    members.push(("v", Json::Object(fields)));
    Json::object(members)
}

/// Bytes in the vectors' form.
pub fn base64_json(bytes: &[u8]) -> Json {
    let mut text = Vec::new();
    base64::append(bytes, &mut text);
    Json::text_of(String::from_utf8(text).unwrap_or_default())
}

/// One text for equal values, whatever the order of maps.
pub fn text(v: ValueRef<'_>, declared: Option<&Schema>, dict: &mut Dictionaries) -> String {
    let child = |s: &Option<Rc<Schema>>| s.clone();
    match v.tag {
        Tag::Array => {
            let element = declared.and_then(|s| child(&s.element));
            let items: Vec<String> = v.items().map(|item| text(item, element.as_deref(), dict)).collect();
            format!("[{}]", items.join(","))
        }
        Tag::Map => {
            let (key, element) = declared.map_or((None, None), |s| (child(&s.key), child(&s.element)));
            let mut entries: Vec<String> = Vec::new();
            for (k, item) in v.entries() {
                let key = text(k, key.as_deref(), dict);
                entries.push(format!("{key}={}", text(item, element.as_deref(), dict)));
            }
            entries.sort();
            format!("{{{}}}", entries.join(","))
        }
        Tag::Struct => {
            let own = dict.schema(v.struct_schema()).ok().flatten();
            let fields = own.as_deref().or(declared).map_or(Vec::new(), |s| s.fields.clone());
            let mut parts: Vec<String> = Vec::new();
            for (field, item) in fields.iter().zip(v.items()) {
                parts.push(format!("{}={}", field.name, text(item, Some(&field.schema), dict)));
            }
            format!("struct({})", parts.join(","))
        }
        Tag::Decimal => {
            let (scale, unscaled) = v.decimal().unwrap_or((0, &[]));
            format!("decimal {} {scale}", bigint_text(unscaled))
        }
        Tag::Float32 => format!("float32 {:x}", v.float32().unwrap_or(0.0).to_bits()),
        Tag::Float64 => format!("float64 {:x}", v.float64().unwrap_or(0.0).to_bits()),
        Tag::String => format!("string {:?}", v.str().unwrap_or("?")),
        Tag::Boolean => format!("bool {:?}", v.boolean()),
        Tag::Raw | Tag::Bytes => format!("bytes {:?}", v.payload),
        Tag::BigInt => format!("bigint {}", bigint_text(v.payload)),
        Tag::Object => format!("java {:?}", v.object()),
        _ => format!("{:?} {:?}", v.tag, v.int()),
    }
}

/// Everything of a record that a transform may change, as a text.
pub fn record_text(batch: &mut Batch, i: usize) -> String {
    let entry = batch.entries[i];
    let cell = |cell: &Cell, batch: &mut Batch| {
        let schema = batch.dict.schema(cell.schema).ok().flatten();
        let payload = batch.memory.bytes(cell.off, cell.len).to_vec();
        let shown = text(ValueRef::new(cell.tag(), &payload), schema.as_deref(), &mut batch.dict);
        format!("{schema:?} {shown}")
    };
    let mut out = format!(
        "topic={:?} partition={} timestamp={} type={} offset={}",
        entry.has_topic().then(|| batch.dict.topic(entry.topic)),
        entry.partition,
        entry.timestamp,
        entry.timestamp_type,
        entry.offset
    );
    out += &format!("\n key={}\n value={}", cell(&entry.key, batch), cell(&entry.value, batch));
    let block = batch.memory.bytes(entry.headers_off, entry.headers_len).to_vec();
    for Header { key, schema, value } in berth_guest::Headers::new(&block) {
        let schema = batch.dict.schema(schema).ok().flatten();
        out += &format!("\n header {key}={schema:?} {}", text(value, schema.as_deref(), &mut batch.dict));
    }
    out
}

fn cell(batch: &mut Batch, schema_json: &Json, json: &Json) -> Result<Cell, Foreign> {
    let declared = schema(schema_json)?;
    let v = value(json, declared.as_deref(), &mut batch.dict)?;
    let index = match &declared {
        Some(schema) => batch.dict.intern_schema(schema).map_err(|_| Foreign)?,
        None => NONE,
    };
    let encode = |out: &mut Vec<u8>| {
        v.encode(out);
        Ok(())
    };
    batch.write(v.tag(), index, encode).map_err(|_| Foreign)
}

/// A batch that holds one record of the vectors.
pub fn record(json: &Json) -> Result<Batch, Foreign> {
    let mut batch = Batch::default();
    let topic = batch.dict.intern_topic(json.get("topic").text().unwrap_or_default()).map_err(|_| Foreign)?;
    let mut entry = Entry::new(topic);
    entry.flags = if json.has("topic") { 0 } else { NO_TOPIC };
    entry.partition = json.get("partition").int().unwrap_or(-1) as i32;
    entry.timestamp = json.get("timestamp").int().unwrap_or(i64::MIN);
    entry.offset = json.get("offset").int().unwrap_or(-1);
    entry.timestamp_type = match json.get("timestampType").text() {
        Some("CREATE_TIME") => 1,
        Some("LOG_APPEND_TIME") => 2,
        _ => 0,
    };
    if json.get("kind").text() == Some("source") {
        let partition = value(json.get("sourcePartition"), None, &mut batch.dict)?;
        let mut payload = Vec::new();
        match partition {
            Value::Null => Value::Map(Vec::new()).encode(&mut payload),
            other => other.encode(&mut payload),
        }
        entry.source_partition = batch.dict.intern_partition(&payload).map_err(|_| Foreign)?;
    }
    if json.get("sourceOffset") != &Json::Null {
        let offset = value(json.get("sourceOffset"), None, &mut batch.dict)?.to_body();
        let written = write_raw(&mut batch, &offset[1..]).map_err(|_| Foreign)?;
        (entry.source_offset_off, entry.source_offset_len) = (written.off, written.len);
    }
    entry.key = cell(&mut batch, json.get("keySchema"), json.get("key"))?;
    entry.value = cell(&mut batch, json.get("valueSchema"), json.get("value"))?;
    let mut block = Vec::new();
    for header in json.get("headers").list() {
        let declared = schema(header.get("schema"))?;
        let v = value(header.get("value"), declared.as_deref(), &mut batch.dict)?;
        let index = declared.map_or(Ok(NONE), |s| batch.dict.intern_schema(&s)).map_err(|_| Foreign)?;
        let body = v.to_body();
        put_header(&mut block, header.get("key").text().unwrap_or(""), index, ValueRef::new(v.tag(), &body[1..]));
        entry.header_count += 1;
    }
    let block = write_raw(&mut batch, &block).map_err(|_| Foreign)?;
    (entry.headers_off, entry.headers_len) = (block.off, block.len);
    batch.entries.push(entry);
    batch.input_count = 1;
    Ok(batch)
}

/// Puts bytes into the data area of a batch.
pub fn write_raw(batch: &mut Batch, bytes: &[u8]) -> berth_guest::Result<Cell> {
    batch.write(Tag::Raw, NONE, |out| {
        out.extend_from_slice(bytes);
        Ok(())
    })
}

/// A batch whose record's value is RAW or NULL.
pub fn raw(bytes: Option<&[u8]>) -> Batch {
    let mut batch = Batch::default();
    let mut entry = Entry::new(batch.dict.intern_topic("topic").unwrap_or(0));
    if let Some(bytes) = bytes {
        let written = write_raw(&mut batch, bytes);
        entry.value = written.unwrap_or(Cell::NULL);
    }
    batch.entries.push(entry);
    batch.input_count = 1;
    batch
}
