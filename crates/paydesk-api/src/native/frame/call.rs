//! The declaration of a call.

use std::future::Future;
use std::pin::Pin;

use http::{Method, StatusCode};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Access, Asked, PageOut, Problem, Reply, Scope};

type Running = Pin<Box<dyn Future<Output = Result<Reply, Problem>> + Send>>;
/// How a type is described: as a schema, in the definitions that a generator collects.
pub type Describe = fn(&mut SchemaGenerator) -> Schema;

/// A body that says nothing: it may be left out, or be `{}`.
#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct NoBody {}

/// One parameter of a query.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it does, for people.
    pub what: &'static str,
    /// Its JSON Schema.
    pub schema: Value,
    /// Whether it may be given several times.
    pub many: bool,
}

impl Parameter {
    /// A text.
    #[must_use]
    pub fn text(name: &'static str, what: &'static str) -> Self {
        Self {
            name,
            what,
            schema: json!({"type": "string"}),
            many: false,
        }
    }

    /// One of these words, or several by repeating the parameter.
    #[must_use]
    pub fn words(name: &'static str, what: &'static str, words: &[&str]) -> Self {
        Self {
            name,
            what,
            schema: json!({"type": "string", "enum": words}),
            many: true,
        }
    }

    /// One of these words, once.
    #[must_use]
    pub fn word(name: &'static str, what: &'static str, words: &[&str]) -> Self {
        Self {
            many: false,
            ..Self::words(name, what, words)
        }
    }

    /// The bounds that lists of money have in common; [`Asked::amounts`] and [`Asked::created`] read them.
    #[must_use]
    pub fn bounds() -> [Self; 4] {
        [
            Self::number(
                "minAmount",
                "Of at least this amount, in the currency's minor unit.",
            ),
            Self::number(
                "maxAmount",
                "Of at most this amount, in the currency's minor unit.",
            ),
            Self::time("createdFrom", "Made at this time or later."),
            Self::time("createdTo", "Made at this time or earlier."),
        ]
    }

    /// An amount or a count.
    #[must_use]
    pub fn number(name: &'static str, what: &'static str) -> Self {
        Self {
            name,
            what,
            schema: json!({"type": "integer", "minimum": 0, "maximum": 999_999_999_999_999_i64}),
            many: false,
        }
    }

    /// A point in time.
    #[must_use]
    pub fn time(name: &'static str, what: &'static str) -> Self {
        Self {
            name,
            what,
            schema: json!({"type": "string", "format": "date-time"}),
            many: false,
        }
    }

    fn paging() -> [Self; 2] {
        [
            Self {
                name: "limit",
                what: "How many at most.",
                schema: json!({"type": "integer", "minimum": 1, "maximum": 100, "default": 30}),
                many: false,
            },
            Self::text("after", "The `nextCursor` of the page before."),
        ]
    }
}

/// A call: what is asked for, by whom it may be, and who answers it.
pub struct Call {
    /// Its method.
    pub method: Method,
    /// Its address below `/api/v1`.
    pub path: &'static str,
    /// Who may make it.
    pub access: Access,
    /// Its name in the document, and in clients that are generated from that.
    pub name: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// What else there is to know.
    pub details: &'static str,
    /// What may stand in its query.
    pub parameters: Vec<Parameter>,
    /// Its body, and whether it may be left out.
    pub body: Option<(Describe, bool)>,
    /// The status of its answer when it goes well.
    pub success: StatusCode,
    /// Whether it answers 200 instead of 201 for what was there already.
    pub or_known: bool,
    /// Its answer when it goes well.
    pub answer: Option<Describe>,
    pub(super) run: Box<dyn Fn(Asked) -> Running + Send + Sync>,
}

impl Call {
    fn new<F>(
        method: Method,
        path: &'static str,
        access: Access,
        run: impl Fn(Asked) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Reply, Problem>> + Send + 'static,
    {
        Self {
            method,
            path,
            access,
            name: "",
            summary: "",
            details: "",
            parameters: Vec::new(),
            body: None,
            success: StatusCode::OK,
            or_known: false,
            answer: None,
            run: Box::new(move |asked| Box::pin(run(asked))),
        }
    }

    fn with_body<In, F>(
        method: Method,
        path: &'static str,
        access: Access,
        run: impl Fn(Asked, In) -> F + Copy + Send + Sync + 'static,
    ) -> Self
    where
        In: DeserializeOwned + JsonSchema + Send + 'static,
        F: Future<Output = Result<Reply, Problem>> + Send + 'static,
    {
        let describe: Describe = |generator| generator.subschema_for::<In>();
        // What takes nothing by itself need not be sent an empty object.
        let may_be_absent = serde_json::from_str::<In>("{}").is_ok();
        let call = Self::new(method, path, access, move |asked: Asked| async move {
            let input = asked.input::<In>(may_be_absent)?;
            run(asked, input).await
        });
        Self {
            body: Some((describe, may_be_absent)),
            ..call
        }
    }

    /// A call that reads one thing.
    pub fn get<F>(
        path: &'static str,
        scope: Scope,
        run: impl Fn(Asked) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Reply, Problem>> + Send + 'static,
    {
        Self::new(Method::GET, path, Access::Scope(scope), run)
    }

    /// A call that reads a list, in pages.
    pub fn list<F>(
        path: &'static str,
        scope: Scope,
        run: impl Fn(Asked) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Reply, Problem>> + Send + 'static,
    {
        let call = Self::new(Method::GET, path, Access::Scope(scope), run);
        Self {
            parameters: Parameter::paging().into(),
            ..call
        }
    }

    /// A call that does something.
    pub fn post<In, F>(
        path: &'static str,
        scope: Scope,
        run: impl Fn(Asked, In) -> F + Copy + Send + Sync + 'static,
    ) -> Self
    where
        In: DeserializeOwned + JsonSchema + Send + 'static,
        F: Future<Output = Result<Reply, Problem>> + Send + 'static,
    {
        Self::with_body(Method::POST, path, Access::Scope(scope), run)
    }

    /// A call that changes what it names.
    pub fn patch<In, F>(
        path: &'static str,
        scope: Scope,
        run: impl Fn(Asked, In) -> F + Copy + Send + Sync + 'static,
    ) -> Self
    where
        In: DeserializeOwned + JsonSchema + Send + 'static,
        F: Future<Output = Result<Reply, Problem>> + Send + 'static,
    {
        Self::with_body(Method::PATCH, path, Access::Scope(scope), run)
    }

    /// A call that puts something in a place of the caller's choice.
    pub fn put<In, F>(
        path: &'static str,
        scope: Scope,
        run: impl Fn(Asked, In) -> F + Copy + Send + Sync + 'static,
    ) -> Self
    where
        In: DeserializeOwned + JsonSchema + Send + 'static,
        F: Future<Output = Result<Reply, Problem>> + Send + 'static,
    {
        Self::with_body(Method::PUT, path, Access::Scope(scope), run)
    }

    /// A call that takes something away.
    pub fn delete<F>(
        path: &'static str,
        scope: Scope,
        run: impl Fn(Asked) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Reply, Problem>> + Send + 'static,
    {
        Self::new(Method::DELETE, path, Access::Scope(scope), run)
    }

    /// Not for restricted keys, whatever their scopes.
    #[must_use]
    pub fn unrestricted_only(self) -> Self {
        Self {
            access: Access::Unrestricted,
            ..self
        }
    }

    /// Its name in the document, and what it does in a line.
    #[must_use]
    pub fn named(self, name: &'static str, summary: &'static str) -> Self {
        Self {
            name,
            summary,
            ..self
        }
    }

    /// What else there is to know.
    #[must_use]
    pub fn told(self, details: &'static str) -> Self {
        Self { details, ..self }
    }

    /// What may stand in its query, beside what a list always takes.
    #[must_use]
    pub fn takes(mut self, parameters: impl IntoIterator<Item = Parameter>) -> Self {
        self.parameters.extend(parameters);
        self
    }

    /// Its answer is such a thing.
    #[must_use]
    pub fn answers<Out: JsonSchema>(self) -> Self {
        Self {
            answer: Some(|generator| generator.subschema_for::<Out>()),
            ..self
        }
    }

    /// Its answer is such a thing, which is new: 201.
    #[must_use]
    pub fn creates<Out: JsonSchema>(self) -> Self {
        Self {
            success: StatusCode::CREATED,
            ..self.answers::<Out>()
        }
    }

    /// What it creates may be there already: 200, not 201.
    #[must_use]
    pub fn or_known(self) -> Self {
        Self {
            or_known: true,
            ..self
        }
    }

    /// Its answer is a page of such things.
    #[must_use]
    pub fn pages<Out: JsonSchema>(self) -> Self {
        Self {
            answer: Some(|generator| generator.subschema_for::<PageOut<Out>>()),
            ..self
        }
    }
}
