//! The AccruPay dialect: client sessions over GraphQL. A crate of its own, because no dialect knows another.
//!
//! ```text
//! POST /graphql ─ http ─ guard ─ query, mutation ─┬─ start, identify ─> the engine's commands
//!                                                 └─ desk (batched reads) ─> session, transaction, …
//! ```
//!
//! `schema.graphql` beside this crate's manifest is what is served; a test writes it, and another one, in
//! `conformance/accrupay`, holds it against what the vendor's client was made from.

mod account;
mod accounts;
mod codes;
mod config;
mod connection;
mod desk;
mod fault;
mod guard;
mod http;
mod identify;
mod list;
mod marks;
mod merchant;
mod mutation;
mod names;
mod party;
mod payment_method;
mod payment_methods;
mod plan;
mod public;
mod query;
mod scalar;
mod session;
mod sessions;
mod start;
mod transaction;
mod transactions;

use std::num::NonZeroU32;
use std::sync::Arc;

use async_graphql::{EmptySubscription, SDLExportOptions};
use axum::Router;
use axum::routing::post;
use paydesk_api::App;

use crate::mutation::Mutation;
use crate::public::PublicLimit;
use crate::query::Query;

type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// What an operator may choose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Whether the schema may be asked for.
    pub introspection: bool,
    /// How many of the questions that need no secret an address may ask in a minute.
    pub public_rate: NonZeroU32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            introspection: true,
            public_rate: NonZeroU32::MIN.saturating_add(59),
        }
    }
}

/// What all requests share.
struct Dialect {
    schema: Schema,
    public: Arc<PublicLimit>,
}

fn schema(settings: Settings) -> Schema {
    let builder = Schema::build(Query::default(), Mutation::default(), EmptySubscription)
        .limit_depth(guard::DEEPEST)
        .limit_complexity(guard::MOST_COSTLY)
        .limit_directives(guard::MOST_DIRECTIVES);
    if settings.introspection {
        builder.finish()
    } else {
        builder
            .disable_introspection()
            .disable_suggestions()
            .finish()
    }
}

/// The schema as it is served, in its own language.
#[must_use]
pub fn sdl() -> String {
    let options = SDLExportOptions::new()
        .sorted_fields()
        .sorted_arguments()
        .sorted_enum_items();
    schema(Settings::default()).sdl_with_options(options)
}

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    routes_with(Settings::default())
}

/// The routes, as an operator wants them.
pub fn routes_with(settings: Settings) -> Router<Arc<App>> {
    let dialect = Arc::new(Dialect {
        schema: schema(settings),
        public: Arc::new(PublicLimit::per_minute(settings.public_rate)),
    });
    let handle = move |axum::extract::State(app): axum::extract::State<Arc<App>>, request| {
        http::handle(app, Arc::clone(&dialect), request)
    };
    Router::new().route(
        "/graphql",
        post(handle)
            .options(http::preflight)
            .fallback(http::method_not_allowed),
    )
}
