//! The API's reference for people: `/api/v1/docs`, made from the document and served from our own files.

use std::sync::{Arc, LazyLock};

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;

use super::frame::{BASE, Scope};
use super::openapi;
use crate::app::App;
use crate::checkout::base;

#[derive(Template)]
#[template(path = "reference.html")]
struct Page<'p> {
    base: &'p str,
    about: &'p [String],
    sections: &'p [Section],
    scopes: &'p [Field],
    objects: &'p [Object],
}

struct Reference {
    about: Vec<String>,
    sections: Vec<Section>,
    scopes: Vec<Field>,
    objects: Vec<Object>,
}

struct Section {
    name: String,
    calls: Vec<CallText>,
}

struct CallText {
    name: &'static str,
    method: String,
    path: String,
    summary: &'static str,
    details: String,
    parameters: Vec<Field>,
    body: Option<String>,
    status: String,
    answer: String,
    is_page: bool,
}

struct Object {
    name: String,
    what: String,
    fields: Vec<Field>,
}

struct Field {
    name: String,
    kind: String,
    what: String,
    required: bool,
}

#[allow(
    clippy::indexing_slicing,
    reason = "of JSON: what is not there is null, and nothing panics"
)]
static REFERENCE: LazyLock<Reference> = LazyLock::new(|| {
    let calls = super::calls();
    let document = openapi::document(&calls);
    let mut sections: Vec<Section> = Vec::new();
    for call in &calls {
        let path = format!("{BASE}{}", call.path);
        let method = call.method.as_str();
        let operation = &document["paths"][&path][method.to_ascii_lowercase()];
        let answer = &operation["responses"][call.success.as_str()]["content"]["application/json"];
        let answer = object_name(&answer["schema"]).unwrap_or_default();
        let page_of = document["components"]["schemas"][&answer]["properties"]["data"].get("items");
        let text = CallText {
            name: call.name,
            method: method.to_owned(),
            path,
            summary: call.summary,
            details: text(&operation["description"]),
            parameters: call
                .parameters
                .iter()
                .map(|parameter| Field {
                    name: parameter.name.to_owned(),
                    kind: kind(&parameter.schema),
                    what: parameter.what.to_owned(),
                    required: false,
                })
                .collect(),
            body: object_name(&operation["requestBody"]["content"]["application/json"]["schema"]),
            status: call.success.as_str().to_owned(),
            is_page: page_of.is_some(),
            answer: page_of.and_then(object_name).unwrap_or(answer),
        };
        let name = openapi::tag(call);
        match sections.iter_mut().find(|section| section.name == name) {
            Some(section) => section.calls.push(text),
            None => sections.push(Section {
                name: name.to_owned(),
                calls: vec![text],
            }),
        }
    }
    Reference {
        about: text(&document["info"]["description"])
            .split("\n\n")
            .map(str::to_owned)
            .collect(),
        sections,
        scopes: Scope::ALL
            .iter()
            .map(|scope| Field {
                name: scope.name().to_owned(),
                kind: String::new(),
                what: scope.what().to_owned(),
                required: false,
            })
            .collect(),
        objects: objects(&document["components"]["schemas"]),
    }
});

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn object_name(schema: &Value) -> Option<String> {
    let path = schema.get("$ref")?.as_str()?;
    Some(path.rsplit('/').next()?.to_owned())
}

fn objects(schemas: &Value) -> Vec<Object> {
    let Some(schemas) = schemas.as_object() else {
        return Vec::new();
    };
    schemas
        .iter()
        .filter(|(name, _)| !name.starts_with("PageOut"))
        .map(|(name, schema)| {
            let required: Vec<&str> = schema["required"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let properties = schema["properties"].as_object();
            Object {
                name: name.clone(),
                what: text(&schema["description"]),
                fields: properties
                    .into_iter()
                    .flatten()
                    .map(|(name, schema)| Field {
                        name: name.clone(),
                        kind: kind(schema),
                        what: text(&schema["description"]),
                        required: required.contains(&name.as_str()),
                    })
                    .collect(),
            }
        })
        .collect()
}

/// What a schema takes, in a few words.
fn kind(schema: &Value) -> String {
    if let Some(name) = object_name(schema) {
        return name;
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        return words.join(" | ");
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let kinds: Vec<String> = choices.iter().map(kind).collect();
        return kinds.join(" | ");
    }
    let name = match &schema["type"] {
        Value::String(name) => name.clone(),
        Value::Array(names) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            names.join(" | ")
        }
        _ => String::new(),
    };
    match (name.as_str(), schema["format"].as_str()) {
        ("array", _) => format!("list of {}", kind(&schema["items"])),
        (_, Some(format)) if format != "int64" && format != "uint32" => format!("{name}, {format}"),
        _ => name,
    }
}

/// Handles `GET /docs`.
pub async fn handle(State(app): State<Arc<App>>) -> Response {
    let reference = &*REFERENCE;
    let page = Page {
        base: base(&app),
        about: &reference.about,
        sections: &reference.sections,
        scopes: &reference.scopes,
        objects: &reference.objects,
    };
    match page.render() {
        Ok(html) => served(html.into_response(), "text/html; charset=utf-8"),
        Err(error) => {
            tracing::error!(%error, "the reference could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Handles `GET /docs/reference.css`.
pub async fn style() -> Response {
    let css = include_str!("templates/reference.css");
    served(css.into_response(), "text/css; charset=utf-8")
}

fn served(mut response: Response, kind: &'static str) -> Response {
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    );
    response
}
