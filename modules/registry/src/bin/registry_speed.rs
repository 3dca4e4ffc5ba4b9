//! Measures the three converters, both ways, on a struct of six fields. Built as the module is, it is the Wasm that
//! counts.

use std::time::Instant;

use berth_guest::{Builder, Result, Schema, Stack, Tag, Type, ValueRef, NONE};
use registry::converter::Format;
use registry::schemas::Registered;
use registry::{avro, json, protobuf};

const RECORDS: u32 = 300_000;

fn schema() -> Schema {
    let plain = Schema::new;
    plain(Type::Struct)
        .named("shop.Order")
        .field("id", plain(Type::Int64))
        .field("customer", plain(Type::String))
        .field("note", plain(Type::String).optional())
        .field("price", plain(Type::Float64))
        .field("paid", plain(Type::Boolean))
        .field("at", Schema::temporal(berth_guest::schema::TIMESTAMP))
}

fn order(builder: &mut Builder<'_>) {
    builder.open(Tag::Struct);
    builder.i64(123_456_789);
    builder.str("a customer with a name of some length");
    builder.str("a note that is a little longer than the name, as notes are");
    builder.f64(19.99);
    builder.boolean(true);
    builder.date(1_700_000_000_000);
    builder.close_struct(NONE);
}

fn measure<F: Format>(format: &F, read: impl Fn(&F::Reader, &[u8], &mut Builder<'_>) -> Result<()>) -> Result<()> {
    let (text, _) = format.describe(&schema())?;
    let registered = Registered { id: 1, kind: F::KIND.into(), text, references: Vec::new() };
    let began = Instant::now();
    let writer = format.writer(&schema(), &registered)?;
    let planned = began.elapsed();
    let (mut value, mut stack, mut bytes) = (Vec::new(), Stack::default(), Vec::new());
    order(&mut Builder::new(&mut value, &mut stack));
    let began = Instant::now();
    for _ in 0..RECORDS {
        bytes.clear();
        format.write(&writer, ValueRef::new(Tag::Struct, &value), &mut bytes)?;
    }
    let written = f64::from(RECORDS) / began.elapsed().as_secs_f64();
    let (selected, payload) = format.select(&bytes)?;
    let (_, reader) = format.reader(&registered, selected)?;
    let began = Instant::now();
    for _ in 0..RECORDS {
        value.clear();
        read(&reader, payload, &mut Builder::new(&mut value, &mut stack))?;
    }
    let taken = f64::from(RECORDS) / began.elapsed().as_secs_f64();
    println!(
        "{:9} {:4} bytes, planned in {planned:?}, written {:.0} k/s, read {:.0} k/s",
        F::KIND,
        bytes.len(),
        written / 1000.0,
        taken / 1000.0
    );
    Ok(())
}

fn main() -> Result<()> {
    let avro = avro::Options { enhanced: false, meta_data: true, scrub: false, null_over_default: false };
    measure(&avro, avro::read::read)?;
    let json = json::Options { numeric: false, optional_unless_required: false, additional: true, validate: false };
    measure(&json, |reader, payload, out| reader.read(payload, out))?;
    let protobuf = protobuf::Options {
        enhanced: false,
        optional_keyword: false,
        int_for_enums: false,
        flatten_unions: false,
        scrub: false,
    };
    measure(&protobuf, protobuf::read::read)
}
