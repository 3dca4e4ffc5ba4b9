//! ExprPredicate guards a transform; validation tells what is wrong with each key.

mod support;

use berth_guest::event::{kind, message};
use berth_guest::fake::{stage, FakeHost};
use berth_guest::{Config, Value};
use support::{record, run_plan};

#[test]
fn a_predicate_guards_a_transform() {
    let Value::Map(mut guarded) = stage("transform", "Expr", &[("topic", "'big'")]) else { unreachable!() };
    guarded.push((Value::str("guarded"), Value::Boolean(true)));
    let stages = vec![stage("predicate", "Matches", &[("expression", "value.n > 10")]), Value::Map(guarded)];
    let given = [9, 11].map(|n| record(Value::map([("n", Value::Int64(n))])));
    let topics: Vec<String> =
        run_plan(stages, &given).unwrap().into_iter().map(|became| became.unwrap().unwrap().topic).collect();
    assert_eq!(topics, ["orders", "big"]);
}

fn remarks(plugin: &str, config: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut host = FakeHost::default();
    host.plan("validate", Vec::new(), Vec::new());
    let config = Config(config.iter().map(|(k, v)| (k.to_string(), Some(v.to_string()))).collect());
    let request = [("plugin", Value::str(plugin)), ("kind", Value::str("transform")), ("config", config.to_value())];
    host.value_event(kind::VALIDATE, &Value::map(request));
    host.run(&expr::plugins());
    let said = host.said(message::VALIDATED).next().unwrap().value().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_string();
    said.as_array()
        .iter()
        .flat_map(|one| one.get("errors").as_array().iter().map(|error| (text(one.get("name")), text(error))))
        .collect()
}

#[test]
fn validation_names_key_and_place() {
    let config = [
        ("filter", "value.a = 1"),
        ("topic", "'ok'"),
        ("headers.h", "nope"),
        ("set.a", "1 +"),
        ("set.b", "1"),
        ("set.b.type", "int"),
        ("remove", "x,x"),
    ];
    let found = remarks("berth.Expr", &config);
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    for name in ["filter", "headers.h", "set.a", "set.b.type", "remove"] {
        assert!(names.contains(&name), "{name} in {found:?}");
    }
    assert!(!names.contains(&"topic") && !names.contains(&"set.b"), "{found:?}");
    assert!(found.iter().all(|(name, error)| error.contains(&format!("for configuration {name}: "))), "{found:?}");
    let found = remarks("Matches", &[("expression", "value.a ==")]);
    assert!(found[0].1.contains("line 1, column 11:"), "{found:?}");
}
