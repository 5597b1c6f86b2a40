//! `POST …/sign-up`: a user of the shop, or a guest.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use paydesk_api::App;
use paydesk_api::http::{RequestContext, body, json as read_json};
use paydesk_api::segment::Segment;
use paydesk_api::wire::Iso;
use paydesk_core::engine::shop::sign_up::SignUp;
use paydesk_core::given::Given;
use paydesk_core::number::Number;
use paydesk_core::shop::{Contacts, User};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::caller::Caller;
use crate::order::FormData;
use crate::reply::{json, reply};
use crate::sign_in::{AuthData, admit, credentials};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    form_identifier: Option<String>,
    lang_code: Option<String>,
    auth_data: Vec<AuthData>,
    #[serde(default)]
    form_data: Given,
    notification_data: Option<ContactsIn>,
    #[serde(default)]
    is_guest: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContactsIn {
    email: Option<String>,
    phone_push: Option<Phones>,
    #[serde(rename = "phoneSMS")]
    phone_sms: Option<String>,
}

/// The document writes several, older shops one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Phones {
    Many(Vec<String>),
    One(String),
}

impl From<ContactsIn> for Contacts {
    fn from(this: ContactsIn) -> Self {
        let given = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            email: this.email.unwrap_or_default(),
            phone_push: match this.phone_push {
                Some(Phones::Many(phones)) => phones,
                Some(Phones::One(phone)) => given(phone).into_iter().collect(),
                None => Vec::new(),
            },
            phone_sms: this.phone_sms.and_then(given),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UserOut<'u> {
    id: Number,
    created_date: Iso,
    updated_date: Iso,
    version: u64,
    identifier: &'u str,
    auth_provider_identifier: &'u str,
    is_active: bool,
    is_deleted: bool,
    is_guest: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    form_identifier: Option<&'u str>,
    form_data: FormData<'u>,
    notification_data: ContactsOut<'u>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<&'u str>,
    state: Map<String, Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ContactsOut<'u> {
    email: &'u str,
    phone_push: &'u [String],
    #[serde(rename = "phoneSMS", skip_serializing_if = "Option::is_none")]
    phone_sms: Option<&'u str>,
}

impl<'u> From<&'u User> for UserOut<'u> {
    fn from(user: &'u User) -> Self {
        Self {
            id: user.number(),
            created_date: Iso(user.created_at),
            updated_date: Iso(user.updated_at),
            version: user.version,
            identifier: &user.login,
            auth_provider_identifier: &user.provider,
            is_active: true,
            is_deleted: false,
            is_guest: user.is_guest,
            form_identifier: user.form.as_deref(),
            form_data: FormData(&user.form_data),
            notification_data: ContactsOut {
                email: &user.contacts.email,
                phone_push: &user.contacts.phone_push,
                phone_sms: user.contacts.phone_sms.as_deref(),
            },
            locale: user.locale.as_deref(),
            state: Map::new(),
        }
    }
}

/// Handles `POST …/sign-up`.
pub async fn handle(
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
        let user = SignUp {
            provider: marker,
            login,
            password,
            is_guest: input.is_guest,
            form: input.form_identifier.filter(|form| !form.is_empty()),
            form_data: input.form_data,
            contacts: input
                .notification_data
                .map(Contacts::from)
                .unwrap_or_default(),
            locale: input.lang_code,
        };
        let user = app.engine.sign_up(tenant, user).await?;
        Ok(json(StatusCode::CREATED, &UserOut::from(&user)))
    })
    .await
}
