//! How the document is read, and held against an answer.

use countersign::http::openapi;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::Answer;

pub(super) fn document() -> Value {
    serde_json::from_str(openapi::text()).unwrap()
}

/// Method, path and description of every operation.
pub(super) fn operations(document: &Value) -> Vec<(Method, String, Value)> {
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            operations.push((method, path.clone(), operation.clone()));
        }
    }
    operations
}

/// A schema, with its references followed and what it is made of put together.
pub(super) fn resolve(document: &Value, schema: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let found = document
            .pointer(reference.strip_prefix('#').unwrap())
            .unwrap();
        return resolve(document, found);
    }
    let mut whole = schema.clone();
    if whole.get("allOf").is_some() {
        whole["type"] = json!("object");
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        let part = resolve(document, part);
        for name in part["required"].as_array().into_iter().flatten() {
            match whole["required"].as_array_mut() {
                Some(required) => required.push(name.clone()),
                None => whole["required"] = json!([name]),
            }
        }
        for (name, property) in part["properties"].as_object().into_iter().flatten() {
            whole["properties"][name] = property.clone();
        }
    }
    whole
}

/// Asserts that `value` has the type, the members and the formats that `schema` tells, and no others.
#[track_caller]
pub(super) fn assert_fits(document: &Value, schema: &Value, value: &Value, place: &str) {
    let schema = resolve(document, schema);
    let types: Vec<&str> = match schema["type"].as_array() {
        Some(types) => types.iter().filter_map(Value::as_str).collect(),
        None => schema["type"].as_str().into_iter().collect(),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(
        types.contains(&kind),
        "{place} is {kind}, not one of {types:?}"
    );
    assert!(
        !types.contains(&"null"),
        "{place}: members without a value are absent, never null"
    );
    if let Some(number) = value.as_u64() {
        let least = schema["minimum"].as_u64().unwrap_or(0);
        let most = schema["maximum"].as_u64().unwrap_or(u64::MAX);
        assert!((least..=most).contains(&number), "{place}: {number}");
    }
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(value), "{place}: {value}");
    }
    if schema["format"] == "date-time" {
        let text = value.as_str().unwrap();
        assert!(text.len() == 20 && text.ends_with('Z'), "{place}: {text}");
    }
    for (at, item) in value.as_array().into_iter().flatten().enumerate() {
        assert_fits(document, &schema["items"], item, &format!("{place}/{at}"));
    }
    let Some(members) = value.as_object() else {
        return;
    };
    for required in schema["required"].as_array().into_iter().flatten() {
        let required = required.as_str().unwrap();
        assert!(members.contains_key(required), "{place} lacks {required}");
    }
    for (name, member) in members {
        let known = schema["properties"]
            .get(name)
            .or(schema.get("additionalProperties"));
        let known = known.unwrap_or_else(|| panic!("{place}/{name} is not in the document"));
        assert_fits(document, known, member, &format!("{place}/{name}"));
    }
}

/// Asserts that the document tells of this answer to this operation.
#[track_caller]
pub(super) fn assert_documented(document: &Value, method: &Method, path: &str, answer: &Answer) {
    let place = format!("{method} {path} {}", answer.status);
    let operation = &document["paths"][path][method.as_str().to_lowercase()];
    let told = operation["responses"].get(answer.status.to_string());
    let told = told.unwrap_or_else(|| panic!("{place} is not in the document"));
    let media_type = answer
        .header("content-type")
        .unwrap()
        .split(';')
        .next()
        .unwrap();
    let content = told["content"].get(media_type);
    let content = content.unwrap_or_else(|| panic!("{place}: {media_type} is not in the document"));
    if media_type == "application/problem+json"
        || (media_type == "application/json" && path != "/openapi.json")
    {
        assert_fits(document, &content["schema"], &answer.json(), &place);
    }
    if media_type == "application/problem+json" {
        let example = &content["examples"][answer.code()];
        assert!(example.is_object(), "{place}: {}", answer.code());
    }
    for header in told["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name)
    {
        let optional = matches!(
            header.as_str(),
            "Preference-Applied" | "Idempotent-Replayed"
        ) || (header == "Retry-After" && answer.status == 429);
        assert!(
            optional || answer.header(header).is_some(),
            "{place} lacks {header}"
        );
    }
}
