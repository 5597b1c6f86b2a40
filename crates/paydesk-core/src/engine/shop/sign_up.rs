//! Signs a user up at a merchant's shop.

use super::super::open_session::fields;
use super::super::{Engine, EngineError, Env};
use super::create_order::check_marker;
use crate::given::Given;
use crate::id::UserId;
use crate::keys::Secret;
use crate::number::Number;
use crate::refusal::Refusal;
use crate::shop::{Contacts, PasswordHash, ShopRefusal, User};
use crate::store::{Change, Claim, Conflict, NameSpace, Record};
use crate::tenant::Tenant;

/// The shortest password: the one in the vendor's own examples.
const MIN_PASSWORD: usize = 5;
/// The longest password, in bytes.
const MAX_PASSWORD: usize = 256;
/// As many telephones as a user names.
const MAX_PHONES: usize = 10;

/// Who signs up.
#[derive(Clone, Debug)]
pub struct SignUp {
    /// By which of the shop's ways of signing in.
    pub provider: String,
    /// What they will sign in with.
    pub login: String,
    /// What will prove it.
    pub password: Secret,
    /// Whether the shop made both up.
    pub is_guest: bool,
    /// Which form was filled in.
    pub form: Option<String>,
    /// What was filled in.
    pub form_data: Given,
    /// How they may be reached.
    pub contacts: Contacts,
    /// Their language.
    pub locale: Option<String>,
}

/// Refuses the first field that is wrong in itself.
pub fn check(request: &SignUp) -> Result<(), Refusal> {
    check_marker("marker", &request.provider)?;
    fields::text("authData.login", Some(&request.login), 255)?;
    if request.login.chars().any(char::is_control) {
        let problem = "contains a control character";
        return Err(Refusal::field("authData.login", problem));
    }
    let password = request.password.reveal();
    if password.chars().count() < MIN_PASSWORD || password.len() > MAX_PASSWORD {
        let right = format!("is not {MIN_PASSWORD} to {MAX_PASSWORD} characters long");
        return Err(Refusal::field("authData.password", right));
    }
    fields::text("formIdentifier", request.form.as_deref(), 200)?;
    fields::form_data(&request.form_data)?;
    fields::text("langCode", request.locale.as_deref(), 35)?;
    let contacts = &request.contacts;
    let given = Some(contacts.email.as_str()).filter(|email| !email.is_empty());
    fields::text("notificationData.email", given, 500)?;
    fields::text(
        "notificationData.phoneSMS",
        contacts.phone_sms.as_deref(),
        40,
    )?;
    if contacts.phone_push.len() > MAX_PHONES {
        let problem = format!("has more than {MAX_PHONES} entries");
        return Err(Refusal::field("notificationData.phonePush", problem));
    }
    for (index, phone) in contacts.phone_push.iter().enumerate() {
        let field = format!("notificationData.phonePush[{index}]");
        fields::text(
            &field,
            Some(phone)
                .filter(|phone| !phone.is_empty())
                .map(String::as_str),
            40,
        )?;
    }
    Ok(())
}

/// Decides a new user and what is theirs alone.
#[must_use]
pub fn decide(
    tenant: Tenant,
    request: SignUp,
    password: PasswordHash,
    env: Env<'_>,
) -> (User, Vec<Claim>) {
    let id = UserId::fresh(env.ids, env.wall);
    let claims = vec![
        Claim {
            key: User::key(&request.provider, &request.login),
            owner: id.0,
        },
        Number::claim(NameSpace::User, id.0),
    ];
    let user = User {
        id,
        tenant,
        version: 1,
        provider: request.provider,
        login: request.login.trim().to_owned(),
        password,
        is_guest: request.is_guest,
        form: request.form,
        form_data: request.form_data,
        contacts: request.contacts,
        locale: request.locale,
        created_at: env.now,
        updated_at: env.now,
    };
    (user, claims)
}

impl Engine {
    /// Signs a user up.
    pub async fn sign_up(&self, tenant: Tenant, request: SignUp) -> Result<User, EngineError> {
        check(&request)?;
        let login = User::key(&request.provider, &request.login);
        let mut salt = [0; 16];
        self.ids.fill(&mut salt);
        let password = self.passwords.hash(request.password.clone(), salt).await?;
        self.repeat(|conflict| {
            let (request, password, login) = (request.clone(), password.clone(), &login);
            async move {
                if let Some(Conflict::Claimed { key, .. }) = &conflict
                    && key == login
                {
                    return Err(Refusal::from(ShopRefusal::LoginTaken).into());
                }
                let (user, claims) = decide(tenant, request, password, self.env(tenant));
                let mut change = Change::new(tenant);
                change.puts.push(Record::entry(&user)?);
                change.claims = claims;
                Ok((Some(change), user))
            }
        })
        .await
    }
}
