//! Signs a user in, renews what they hold, and signs them out.

use super::super::{Engine, EngineError, Env};
use crate::directory::EntryPage;
use crate::id::{SignInId, UserId};
use crate::keys::Secret;
use crate::refusal::Refusal;
use crate::shop::{
    ACCESS_LIFETIME, MAX_SIGN_INS, Refresh, ShopRefusal, SignIn, TokenKind, User, UserToken,
};
use crate::store::{Change, Record};
use crate::tenant::Tenant;
use crate::time::Timestamp;

/// What a user's program is given.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Of which sign-in.
    pub sign_in: SignIn,
    /// Acts as the user, for an hour.
    pub access: Secret,
    /// Gets the next pair.
    pub refresh: Secret,
}

const NOT_SIGNED_IN: Refusal = Refusal::Shop(ShopRefusal::NotSignedIn);

/// Decides a new sign-in, and which earlier ones it ends: those whose time is over, and the oldest of too many.
/// `known` are all of the user's, newest first.
pub fn decide(
    user: &User,
    known: &[SignIn],
    env: Env<'_>,
) -> Result<(Change, SignIn), EngineError> {
    let sign_in = SignIn {
        id: SignInId::fresh(env.ids, env.wall),
        tenant: user.tenant,
        version: 1,
        user: user.id,
        login: user.login.clone(),
        provider: user.provider.clone(),
        newest: 1,
        held: 1,
        uses: Vec::new(),
        renewed_at: env.wall,
        created_at: env.wall,
    };
    let mut change = Change::new(user.tenant);
    change.puts.push(Record::entry(&sign_in)?);
    let (living, over): (Vec<_>, Vec<_>) = known
        .iter()
        .partition(|known| env.wall < known.expires_at());
    let too_many = living.into_iter().skip(MAX_SIGN_INS - 1);
    change
        .puts
        .extend(over.into_iter().chain(too_many).map(Record::removal));
    Ok((change, sign_in))
}

impl Engine {
    /// Signs a user in. An unknown login and a wrong password are the same, also in the time that they take.
    pub async fn sign_in(
        &self,
        tenant: Tenant,
        provider: &str,
        login: &str,
        password: Secret,
    ) -> Result<Tokens, EngineError> {
        let key = User::key(provider, login);
        let user: Option<User> = match self.store().claim(tenant, &key).await? {
            Some(id) => self.store().find(tenant, id).await?,
            None => None,
        };
        let known = user.as_ref().map(|user| user.password.clone());
        let right = self.passwords.verify(password, known).await?;
        let Some(user) = user.filter(|_| right) else {
            return Err(Refusal::from(ShopRefusal::WrongCredentials).into());
        };
        let sign_in = self
            .repeat(|_| {
                let user = &user;
                async move {
                    let known = self.sign_ins(tenant, user.id).await?;
                    let (change, sign_in) = decide(user, &known, self.env(tenant))?;
                    Ok((Some(change), sign_in))
                }
            })
            .await?;
        let first = sign_in.newest;
        Ok(self.tokens(sign_in, first))
    }

    /// Gives the next pair of tokens for a refresh token. One that was used long ago ends all of its family: somebody
    /// has it who should not.
    pub async fn refresh_sign_in(
        &self,
        tenant: Tenant,
        token: &str,
    ) -> Result<Tokens, EngineError> {
        let token = self.user_token(tenant, token).ok_or(NOT_SIGNED_IN)?;
        let TokenKind::Refresh { number } = token.kind else {
            return Err(NOT_SIGNED_IN.into());
        };
        let renewed = self
            .repeat(|_| async move {
                let sign_in: Option<SignIn> = self.store().find(tenant, token.sign_in.0).await?;
                let Some(sign_in) = sign_in else {
                    return Ok((None, None));
                };
                let mut change = Change::new(tenant);
                Ok(match sign_in.refresh(number, self.wall()) {
                    Refresh::Answered(next, None) => (None, Some((sign_in, next))),
                    Refresh::Answered(next, Some(changed)) => {
                        change.puts.push(Record::entry(&*changed)?);
                        (Some(change), Some((*changed, next)))
                    }
                    Refresh::Stolen | Refresh::Expired => {
                        change.puts.push(Record::removal(&sign_in));
                        (Some(change), None)
                    }
                })
            })
            .await?;
        let (sign_in, next) = renewed.ok_or(NOT_SIGNED_IN)?;
        Ok(self.tokens(sign_in, next))
    }

    /// Who acts with an access token.
    pub async fn signed_in(&self, tenant: Tenant, token: &str) -> Result<SignIn, EngineError> {
        let token = self.user_token(tenant, token).ok_or(NOT_SIGNED_IN)?;
        let now = self.wall();
        match token.kind {
            TokenKind::Access { expires_at } if now < expires_at => {}
            TokenKind::Access { .. } | TokenKind::Refresh { .. } => {
                return Err(NOT_SIGNED_IN.into());
            }
        }
        let sign_in: Option<SignIn> = self.store().find(tenant, token.sign_in.0).await?;
        sign_in
            .filter(|sign_in| now < sign_in.expires_at())
            .ok_or_else(|| NOT_SIGNED_IN.into())
    }

    /// Signs out where a token, of whatever kind and age, is from. All tokens of that sign-in end at once.
    pub async fn sign_out(&self, tenant: Tenant, token: &str) -> Result<(), EngineError> {
        let token = self.user_token(tenant, token).ok_or(NOT_SIGNED_IN)?;
        self.repeat(|_| async move {
            let known: Option<SignIn> = self.store().find(tenant, token.sign_in.0).await?;
            // Signing out twice is no mistake.
            Ok((known.map(|known| ended(tenant, &[known])), ()))
        })
        .await
    }

    /// Signs a user out everywhere.
    pub async fn sign_out_everywhere(
        &self,
        tenant: Tenant,
        user: UserId,
    ) -> Result<(), EngineError> {
        self.repeat(|_| async move {
            let known = self.sign_ins(tenant, user).await?;
            Ok(((!known.is_empty()).then(|| ended(tenant, &known)), ()))
        })
        .await
    }

    /// All of a user's, newest first: some more than there may be, for those that came at once.
    async fn sign_ins(&self, tenant: Tenant, user: UserId) -> Result<Vec<SignIn>, EngineError> {
        let group = user.to_string();
        let page = EntryPage::first(MAX_SIGN_INS * 10).of(&group);
        Ok(self.store().list(tenant, page).await?)
    }

    /// A token of one of the tenant's users.
    fn user_token(&self, tenant: Tenant, text: &str) -> Option<UserToken> {
        UserToken::from_text(text, self.keys()).filter(|token| token.tenant == tenant)
    }

    /// An access token, and the refresh token of this number.
    fn tokens(&self, sign_in: SignIn, number: u32) -> Tokens {
        let access = TokenKind::Access {
            expires_at: self.access_expiry(),
        };
        let text = |kind| Secret::new(sign_in.token(kind).to_text(self.keys()));
        let (access, refresh) = (text(access), text(TokenKind::Refresh { number }));
        Tokens {
            sign_in,
            access,
            refresh,
        }
    }

    fn access_expiry(&self) -> Timestamp {
        self.wall().after(ACCESS_LIFETIME)
    }
}

fn ended(tenant: Tenant, sign_ins: &[SignIn]) -> Change {
    let mut change = Change::new(tenant);
    change.puts = sign_ins.iter().map(Record::removal).collect();
    change
}
