//! Owns `schema.json`, which is made from the types of scripts and answers.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::answer;
use crate::script::Vector;

/// The schema of a vector file: a JSON Schema, draft 2020-12. Under `$defs` are also the
/// answers, which `expect` names parts of.
#[must_use]
pub fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    generator.subschema_for::<Answers>();
    let mut schema = generator.into_root_schema_for::<Vec<Vector>>().to_value();
    schema["title"] = json!("Vectors of tidelog");
    leave_out_arguments(&mut schema["$defs"]);
    schema
}

/// Lets a step leave `args` out where the operation needs none.
fn leave_out_arguments(definitions: &mut Value) {
    let mut operations = definitions["Op"]["oneOf"].take();
    for operation in operations.as_array_mut().into_iter().flatten() {
        let named = operation["properties"]["args"]["$ref"].as_str();
        let name = named.and_then(|path| path.rsplit('/').next());
        let arguments = name.map_or(&Value::Null, |name| &definitions[name]);
        if arguments["type"] == "object" && arguments["required"].is_null() {
            operation["required"] = json!(["op"]);
        }
    }
    definitions["Op"]["oneOf"] = operations;
}

/// What the operations answer, by the name of the operation.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "only its schema is used")]
struct Answers {
    open: answer::Opened,
    append: answer::Appended,
    flush: answer::Reached,
    sync: answer::Reached,
    bounds: answer::Bounds,
    stat: answer::Stat,
    settings: answer::Settings,
    read: answer::Batch,
    read_reverse: answer::Batch,
    get: answer::Record,
    get_by_key: answer::Record,
    offset_by_key: answer::Offset,
    read_by_key: answer::Batch,
    get_by_time: answer::Record,
    offset_by_time: answer::TimedOffset,
    settle: answer::Batch,
    delete: answer::Deleted,
    plan_delete: answer::Deleted,
    trim: answer::Trimmed,
    plan_trim: answer::Trimmed,
    clear: answer::Trimmed,
    compact: answer::Compacted,
    plan_compact: answer::PlannedCompaction,
    reindex: answer::Maintained,
    gc: answer::Freed,
    maintain: answer::Maintained,
    check: answer::Report,
    recover: answer::Recovered,
    backup: answer::BackedUp,
    export: answer::Carried,
    import: answer::Carried,
}

#[cfg(test)]
mod tests {
    use super::schema;

    #[test]
    fn the_schema_of_the_repository_is_the_one_of_the_types() {
        let path = crate::files::home().join("schema.json");
        let text = std::fs::read_to_string(path).unwrap();
        let written: serde_json::Value = serde_json::from_str(&text).unwrap();
        let regenerate = "cargo run -p tidelog-vectors -- --schema > tests/vectors/schema.json";
        assert!(written == schema(), "schema.json is old; {regenerate}");
    }
}
