//! The `OpenAPI` 3.1 document, made from the declared calls: `/api/v1/openapi.json`.
//!
//! It is checked in as `docs/openapi.json`; a test keeps the two the same.

use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

use super::frame::{Access, BASE, Call, Scope};

static TEXT: LazyLock<String> = LazyLock::new(|| {
    serde_json::to_string_pretty(&document(&super::calls())).unwrap_or_default() + "\n"
});

/// The document as it is served and checked in.
#[must_use]
pub fn text() -> &'static str {
    &TEXT
}

/// Handles `GET /openapi.json`. It tells nothing of anybody: no key is asked for.
pub async fn handle() -> Response {
    let mut response = text().into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

const ABOUT: &str = "Payment sessions, and everything that follows from them.\n\n\
    Amounts are integers in the currency's minor unit. Times are ISO 8601, UTC, with milliseconds. Every `POST` takes \
    an `Idempotency-Key`: the same key and body get the first answer again, byte for byte, for at least 24 hours; \
    another body under the same key is refused with 422, and a request that is still running with 409. A field that \
    is not known is refused by name. What goes wrong is told as `application/problem+json` with a stable `code`: see \
    docs/errors.md.";

/// The document of these calls.
#[must_use]
pub fn document(calls: &[Call]) -> Value {
    let settings = || {
        SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
    };
    let mut bodies = settings().for_deserialize().into_generator();
    let mut answers = settings().for_serialize().into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for call in calls {
        let operation = operation(call, &mut bodies, &mut answers);
        let path = paths
            .entry(format!("{BASE}{}", call.path))
            .or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(methods) = path {
            methods.insert(call.method.as_str().to_ascii_lowercase(), operation);
        }
    }
    let mut schemas = bodies.take_definitions(true);
    schemas.extend(answers.take_definitions(true));
    schemas.insert("Problem".to_owned(), problem());
    schemas.sort_keys();
    let scopes: Vec<String> = Scope::ALL
        .iter()
        .map(|scope| format!("`{}`: {}", scope.name(), scope.what()))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Paydesk",
            "version": "1",
            "description": ABOUT,
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"}
        },
        "servers": [{"url": "/"}],
        "security": [{"secret": []}],
        "tags": tags(calls),
        "paths": paths,
        "components": {
            "securitySchemes": {
                "secret": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": format!(
                        "A secret key opens everything of its merchant in its mode; a restricted key what its scopes \
                         name. Writing includes reading of the same.\n\n{}",
                        scopes.join("\n\n")
                    )
                }
            },
            "schemas": schemas,
            "responses": {
                "Problem": {
                    "description": "What went wrong; nothing was changed.",
                    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
                }
            }
        }
    })
}

fn problem() -> Value {
    json!({
        "type": "object",
        "description": "RFC 9457.",
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string", "description": "For people; may change."},
            "code": {"type": "string", "description": "For programs; stable."},
            "field": {"type": "string", "description": "The field that is wrong, if it is one."},
            "requestId": {"type": "string", "description": "What the server's log knows the request by."}
        },
        "required": ["type", "title", "status", "detail", "code"],
        "additionalProperties": false
    })
}

/// What a call belongs to: the first part of its address.
pub(super) fn tag(call: &Call) -> &'static str {
    call.path.split('/').nth(1).unwrap_or_default()
}

fn tags(calls: &[Call]) -> Vec<Value> {
    let mut names: Vec<&str> = Vec::new();
    for call in calls {
        let name = tag(call);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
        .into_iter()
        .map(|name| json!({"name": name}))
        .collect()
}

fn operation(call: &Call, bodies: &mut SchemaGenerator, answers: &mut SchemaGenerator) -> Value {
    let mut parameters: Vec<Value> = call
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            json!({"name": name, "in": "path", "required": true, "schema": {"type": "string", "minLength": 1}})
        })
        .collect();
    for parameter in &call.parameters {
        let schema = if parameter.many {
            json!({"type": "array", "items": parameter.schema, "maxItems": 20})
        } else {
            parameter.schema.clone()
        };
        parameters.push(json!({
            "name": parameter.name, "in": "query", "description": parameter.what, "schema": schema
        }));
    }
    if call.method == Method::POST {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header",
            "description": "Sent again with the same body, the first answer is given again.",
            "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"}
        }));
    }
    let scopes: Vec<&str> = match call.access {
        Access::Scope(scope) => vec![scope.name()],
        Access::Unrestricted => Vec::new(),
    };
    let needs = format!("Needs {}.", call.access.needed());
    let description = if call.details.is_empty() {
        needs
    } else {
        format!("{} {needs}", call.details)
    };
    let schema = call.answer.map(|describe| describe(answers));
    let mut operation = json!({
        "operationId": call.name,
        "summary": call.summary,
        "description": description,
        "tags": [tag(call)],
        "security": [{"secret": scopes}],
        "parameters": parameters,
        "responses": {
            call.success.as_str(): {
                "description": call.success.canonical_reason().unwrap_or("Done"),
                "content": {"application/json": {"schema": schema}}
            },
            "4XX": {"$ref": "#/components/responses/Problem"},
            "503": {"$ref": "#/components/responses/Problem"}
        }
    });
    if let Some(answers) = operation
        .get_mut("responses")
        .and_then(Value::as_object_mut)
        && call.or_known
        && let Some(created) = answers.get(call.success.as_str()).cloned()
    {
        answers.insert("200".to_owned(), created);
    }
    if let (Some((describe, may_be_absent)), Value::Object(operation)) = (call.body, &mut operation)
    {
        operation.insert(
            "requestBody".to_owned(),
            json!({
                "required": !may_be_absent,
                "content": {"application/json": {"schema": describe(bodies)}}
            }),
        );
    }
    operation
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_call_has_a_name_of_its_own_and_says_what_it_does_and_answers() {
        let calls = crate::native::calls();
        let names: BTreeSet<&str> = calls.iter().map(|call| call.name).collect();
        assert_eq!(names.len(), calls.len(), "{names:?}");
        for call in &calls {
            assert!(
                !call.name.is_empty() && !call.summary.is_empty(),
                "{}",
                call.path
            );
            assert!(call.answer.is_some(), "{} answers nothing", call.name);
            assert_eq!(
                call.body.is_some(),
                matches!(call.method, Method::POST | Method::PUT | Method::PATCH),
                "{}",
                call.name
            );
        }
    }

    #[test]
    fn requests_and_answers_share_no_name_for_different_things() {
        let calls = crate::native::calls();
        let settings = || SchemaSettings::draft2020_12();
        let mut bodies = settings().for_deserialize().into_generator();
        let mut answers = settings().for_serialize().into_generator();
        for call in &calls {
            if let Some((describe, _)) = call.body {
                describe(&mut bodies);
            }
            if let Some(describe) = call.answer {
                describe(&mut answers);
            }
        }
        let (bodies, answers) = (
            bodies.take_definitions(true),
            answers.take_definitions(true),
        );
        for (name, schema) in bodies {
            assert!(
                answers.get(&name).is_none_or(|other| *other == schema),
                "{name}"
            );
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
            match value {
                Value::Object(map) => {
                    if let Some(Value::String(path)) = map.get("$ref") {
                        found.push(path);
                    }
                    map.values().for_each(|value| references(value, found));
                }
                Value::Array(all) => all.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let document = document(&crate::native::calls());
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 50);
        for path in found {
            let pointer = path.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{path}");
        }
    }
}
