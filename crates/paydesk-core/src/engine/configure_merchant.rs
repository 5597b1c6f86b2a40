//! A merchant's settings for its payers, in one mode.

use super::customers::plain_text;
use super::idempotency::Idempotent;
use super::{Engine, EngineError, Env};
use crate::logo::Logo;
use crate::merchant::{Merchant, Settings};
use crate::refusal::Refusal;
use crate::store::{Change, Record, Unavailable};
use crate::tenant::{Mode, Tenant};

const MAX_ORIGINS: usize = 50;

/// What is to be set. What is not given stays as it is; `Some(None)` takes it away.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct SettingsChange {
    /// See [`Settings`] for this and the rest.
    pub name: Option<Option<String>>,
    /// Which web origins may call the payer's API.
    pub allowed_origins: Option<Vec<String>>,
    /// The language of pages.
    pub locale: Option<Option<String>>,
    /// The picture on the page.
    pub logo: Option<Option<String>>,
    /// The colour of the page's buttons.
    pub accent_colour: Option<Option<String>>,
}

/// Decides a change of settings. Nothing, if they are already so.
pub fn decide(
    merchant: Merchant,
    wanted: SettingsChange,
    mode: Mode,
    env: Env<'_>,
) -> Result<(Option<Change>, Merchant), Refusal> {
    let mut changed = merchant.clone();
    apply(changed.settings.of_mut(mode), wanted, mode)?;
    if changed == merchant {
        return Ok((None, merchant));
    }
    changed.version += 1;
    changed.updated_at = env.wall;
    let mut change = Change::new(Tenant {
        merchant: merchant.id,
        mode,
    });
    change.puts.push(Record::Merchant(changed.clone()));
    Ok((Some(change), changed))
}

fn apply(settings: &mut Settings, wanted: SettingsChange, mode: Mode) -> Result<(), Refusal> {
    if let Some(name) = wanted.name {
        if let Some(name) = &name {
            plain_text("name", name, 100)?;
            if name.chars().any(char::is_control) {
                return Err(Refusal::field("name", "contains a control character"));
            }
        }
        settings.name = name;
    }
    if let Some(origins) = wanted.allowed_origins {
        if origins.len() > MAX_ORIGINS {
            return Err(Refusal::field(
                "allowedOrigins",
                format!("has more than {MAX_ORIGINS} entries"),
            ));
        }
        let origins = origins
            .iter()
            .enumerate()
            .map(|(index, text)| origin(&format!("allowedOrigins[{index}]"), text, mode));
        settings.allowed_origins = origins.collect::<Result<_, _>>()?;
    }
    if let Some(locale) = wanted.locale {
        if let Some(locale) = &locale {
            let is_tag = (2..=35).contains(&locale.len())
                && locale.split('-').all(|part| {
                    !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric())
                });
            if !is_tag {
                return Err(Refusal::field(
                    "locale",
                    "is not a language tag such as en or zh-SG",
                ));
            }
        }
        settings.locale = locale;
    }
    if let Some(logo) = wanted.logo {
        if let Some(logo) = &logo {
            Logo::from_data_url(logo).map_err(|error| Refusal::field("logo", error.to_string()))?;
        }
        settings.logo = logo;
    }
    if let Some(colour) = wanted.accent_colour {
        settings.accent_colour = colour.map(|text| accent(&text)).transpose()?;
    }
    Ok(())
}

/// An origin as browsers write it: scheme, host and port, in lower case, and nothing after.
fn origin(field: &str, text: &str, mode: Mode) -> Result<String, Refusal> {
    let wrong = || Refusal::field(field, "is not a web origin such as https://shop.example");
    let url = url::Url::parse(text).map_err(|_| wrong())?;
    let origin = url.origin();
    let allowed = match url.scheme() {
        "https" => true,
        "http" => {
            !mode.is_live() || matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
        }
        _ => false,
    };
    let written = origin.ascii_serialization();
    let given = text.trim_end_matches('/').to_ascii_lowercase();
    if !allowed || !origin.is_tuple() || url.path() != "/" || text.len() > 300 {
        return Err(wrong());
    }
    // Neither a user's name, nor a query: they are no part of an origin.
    if url.query().is_some() || url.fragment().is_some() || given.contains('@') {
        return Err(wrong());
    }
    Ok(written)
}

fn accent(text: &str) -> Result<String, Refusal> {
    let is_colour = text
        .strip_prefix('#')
        .is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if is_colour {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(Refusal::field(
            "accentColour",
            "is not a colour such as #1a2b3c",
        ))
    }
}

impl Engine {
    /// A merchant; whoever has a key has one.
    pub async fn merchant(&self, tenant: Tenant) -> Result<Merchant, EngineError> {
        let found = self.store().merchant(tenant.merchant).await?;
        Ok(found.ok_or_else(|| Unavailable::because("a key's merchant is not there"))?)
    }

    /// Changes a merchant's settings in the tenant's mode.
    pub async fn configure_merchant(
        &self,
        tenant: Tenant,
        wanted: SettingsChange,
        idempotent: Option<Idempotent<Merchant>>,
    ) -> Result<Merchant, EngineError> {
        self.once(tenant, idempotent.as_ref(), |_| {
            let wanted = wanted.clone();
            async move {
                let merchant = self.merchant(tenant).await?;
                Ok(decide(merchant, wanted, tenant.mode, self.env(tenant))?)
            }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_kept_as_browsers_write_it() {
        for (text, mode, kept) in [
            ("https://Shop.example", Mode::Live, "https://shop.example"),
            ("https://shop.example/", Mode::Live, "https://shop.example"),
            (
                "https://shop.example:443",
                Mode::Live,
                "https://shop.example",
            ),
            (
                "https://shop.example:8443",
                Mode::Live,
                "https://shop.example:8443",
            ),
            ("http://localhost:3000", Mode::Live, "http://localhost:3000"),
            ("http://shop.test", Mode::Test, "http://shop.test"),
        ] {
            assert_eq!(origin("allowedOrigins[0]", text, mode).as_deref(), Ok(kept));
        }
        for text in [
            "",
            "*",
            "null",
            "shop.example",
            "ftp://shop.example",
            "file:///etc/passwd",
            "https://",
            "https://shop.example/pay",
            "https://shop.example?q",
            "https://a@shop.example",
            "http://shop.example",
            "data:text/html,x",
            "https://shop.example#x",
        ] {
            assert!(
                origin("allowedOrigins[0]", text, Mode::Live).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn a_colour_is_six_hexadecimal_digits() {
        assert_eq!(accent("#1A2b3C").as_deref(), Ok("#1a2b3c"));
        for wrong in [
            "", "#", "1a2b3c", "#1a2b3", "#1a2b3cd", "#1a2b3g", "red", "#é1a2",
        ] {
            assert!(accent(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_test_mode_sets_live_payers_do_not_meet() {
        let mut both = crate::merchant::PerMode::<Settings>::default();
        let wanted = SettingsChange {
            allowed_origins: Some(vec!["https://evil.example".to_owned()]),
            ..SettingsChange::default()
        };
        apply(both.of_mut(Mode::Test), wanted, Mode::Test).unwrap();
        assert_eq!(both.of(Mode::Live), &Settings::default());
    }
}
