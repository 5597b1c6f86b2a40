//! Signing in, refreshing what one holds, and signing out.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use paydesk_api::App;
use paydesk_api::http::{RequestContext, body, json as read_json};
use paydesk_api::segment::Segment;
use paydesk_core::engine::shop::sign_in::Tokens;
use paydesk_core::keys::Secret;
use paydesk_core::refusal::Refusal;
use paydesk_core::shop::User;
use paydesk_core::tenant::Tenant;
use serde::{Deserialize, Serialize};

use crate::caller::{self, Caller};
use crate::error::Error;
use crate::reply::{json, reply};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    auth_data: Vec<AuthData>,
}

/// One of the things that a user signs in with.
#[derive(Deserialize)]
pub struct AuthData {
    marker: String,
    value: String,
}

/// The login and the password. Shops name these fields as they like (`login`, `email_reg`): the one whose name says
/// so is the password, and the first of the others the login.
pub fn credentials(data: Vec<AuthData>) -> Result<(String, Secret), Refusal> {
    let (mut login, mut password) = (None, None);
    for AuthData { marker, value } in data {
        let place = if marker.to_ascii_lowercase().contains("password") {
            &mut password
        } else {
            &mut login
        };
        place.get_or_insert(value);
    }
    let missing = |field: &str| {
        let field = format!("authData.{field}");
        Refusal::field(field, "is missing; authData is a list of {marker, value}")
    };
    let login = login
        .filter(|login| !login.trim().is_empty())
        .ok_or_else(|| missing("login"))?;
    let password = password
        .filter(|password| !password.is_empty())
        .ok_or_else(|| missing("password"))?;
    Ok((login, Secret::new(password)))
}

/// Lets somebody try, unless they or others tried too often.
pub fn admit(
    app: &App,
    tenant: Tenant,
    marker: &str,
    login: &str,
    client: IpAddr,
) -> Result<(), Error> {
    let account = format!("{tenant:?}/{:?}", User::key(marker, login));
    Ok(app.limiters.sign_in(&Secret::hash(&account), client)?)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AuthOut<'t> {
    user_identifier: &'t str,
    auth_provider_identifier: &'t str,
    access_token: &'t str,
    refresh_token: &'t str,
}

impl<'t> From<&'t Tokens> for AuthOut<'t> {
    fn from(tokens: &'t Tokens) -> Self {
        Self {
            user_identifier: &tokens.sign_in.login,
            auth_provider_identifier: &tokens.sign_in.provider,
            access_token: tokens.access.reveal(),
            refresh_token: tokens.refresh.reveal(),
        }
    }
}

/// Handles `POST …/auth`.
pub async fn auth(
    State(app): State<Arc<App>>,
    Segment(marker): Segment,
    context: RequestContext,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let caller = Caller::new(&app, &parts.headers);
    reply(&caller, async {
        let tenant = caller.shop().await?;
        let body = body::read(body, &app.body_limits).await?;
        let input: Input = read_json::parse_json(&body)?;
        let (login, password) = credentials(input.auth_data)?;
        admit(&app, tenant, &marker, &login, context.client())?;
        let engine = &app.engine;
        let tokens = engine.sign_in(tenant, &marker, &login, password).await?;
        Ok(json(StatusCode::OK, &AuthOut::from(&tokens)))
    })
    .await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RefreshIn {
    refresh_token: Option<String>,
}

/// Handles `POST …/refresh`. Whatever way of signing in the address names, the token says which it was.
pub async fn refresh(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let caller = Caller::new(&app, &parts.headers);
    reply(&caller, async {
        let tenant = caller.shop().await?;
        let body = body::read(body, &app.body_limits).await?;
        let input: RefreshIn = read_json::parse_json(&body)?;
        // A client that was never signed in sends none; that is no mistake in its form.
        let token = input.refresh_token.ok_or_else(Error::not_signed_in)?;
        let tokens = app.engine.refresh_sign_in(tenant, &token).await?;
        Ok(json(StatusCode::OK, &AuthOut::from(&tokens)))
    })
    .await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogoutIn {
    refresh_token: Option<String>,
}

/// Handles `POST …/logout`: ends the sign-in that the token is from, or else that of the caller.
pub async fn logout(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let caller = Caller::new(&app, &parts.headers);
    reply(&caller, async {
        let tenant = caller.shop().await?;
        let body = body::read(body, &app.body_limits).await?;
        let given = if body.is_empty() {
            None
        } else {
            read_json::parse_json::<LogoutIn>(&body)?.refresh_token
        };
        let token = given
            .as_deref()
            .or_else(|| caller::access_token(&parts.headers))
            .ok_or_else(Error::not_signed_in)?;
        app.engine.sign_out(tenant, token).await?;
        Ok(json(StatusCode::OK, &true))
    })
    .await
}

/// Handles `POST …/logout-all`: ends all sign-ins of the caller. There is no body.
pub async fn logout_all(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let caller = Caller::new(&app, &headers);
    reply(&caller, async {
        let (tenant, user) = caller.user().await?;
        app.engine.sign_out_everywhere(tenant, user.user).await?;
        Ok(json(StatusCode::OK, &true))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(data: &[(&str, &str)]) -> Result<(String, String), Refusal> {
        let data = data.iter().map(|(marker, value)| AuthData {
            marker: (*marker).to_owned(),
            value: (*value).to_owned(),
        });
        credentials(data.collect()).map(|(login, secret)| (login, secret.reveal().to_owned()))
    }

    #[test]
    fn shops_name_the_login_and_the_password_as_they_like() {
        let expected = ("a@example.com".to_owned(), "12345".to_owned());
        for data in [
            [("login", "a@example.com"), ("password", "12345")],
            [("password_reg", "12345"), ("email_reg", "a@example.com")],
            [("userPassword", "12345"), ("phone", "a@example.com")],
        ] {
            assert_eq!(read(&data).unwrap(), expected);
        }
    }

    #[test]
    fn nobody_signs_in_without_a_login_or_a_password() {
        for (data, field) in [
            (vec![], "authData.login"),
            (vec![("password", "12345")], "authData.login"),
            (
                vec![("login", " "), ("password", "12345")],
                "authData.login",
            ),
            (vec![("login", "a")], "authData.password"),
            (vec![("login", "a"), ("password", "")], "authData.password"),
        ] {
            let refused = read(&data).unwrap_err();
            assert!(refused.to_string().starts_with(field), "{refused}");
        }
    }
}
