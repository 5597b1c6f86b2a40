//! `/api/v1/merchant`: what payers meet.

use paydesk_core::engine::configure_merchant::SettingsChange;
use paydesk_core::id::MerchantId;
use paydesk_core::merchant::Merchant;
use paydesk_core::tenant::Mode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::customers::given;
use super::frame::{Asked, Call, Problem, Reply, Scope};
use super::schema;
use crate::wire::Iso;

/// The calls.
pub fn calls() -> Vec<Call> {
    vec![
        Call::get("/merchant", Scope::MerchantRead, get)
            .named("getMerchant", "Reads the merchant's settings")
            .answers::<MerchantOut<'_>>(),
        Call::patch("/merchant", Scope::MerchantWrite, update)
            .named("updateMerchant", "Changes the merchant's settings")
            .told(
                "The settings are the mode's own: a test key changes nothing that a live payer meets. What is not \
                 given stays as it is; null takes it away.",
            )
            .answers::<MerchantOut<'_>>(),
    ]
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "MerchantRequest")]
struct MerchantIn {
    /// What payers read.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<String>", length(min = 1, max = 100))]
    name: Option<Option<String>>,
    /// Which web origins may call the payer's API from a browser, such as `https://shop.example`. In test mode any may.
    #[schemars(length(max = 50))]
    allowed_origins: Option<Vec<String>>,
    /// The language of pages whose session names none.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<String>", length(min = 2, max = 35))]
    locale: Option<Option<String>>,
    /// The picture on the page, as a data URL of a PNG, JPEG or WebP of at most 24 KiB: pages load nothing from elsewhere.
    #[serde(default, deserialize_with = "given")]
    #[schemars(
        with = "Option<String>",
        length(max = 32900),
        regex(pattern = "^data:image/(png|jpeg|webp);base64,")
    )]
    logo: Option<Option<String>>,
    /// The colour of the page's buttons, such as `#1a2b3c`.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<String>", regex(pattern = "^#[0-9A-Fa-f]{6}$"))]
    accent_colour: Option<Option<String>>,
}

/// A merchant as the native API writes it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Merchant")]
struct MerchantOut<'m> {
    #[schemars(with = "schema::Id")]
    id: MerchantId,
    livemode: bool,
    name: &'m str,
    allowed_origins: &'m [String],
    locale: Option<&'m str>,
    logo: Option<&'m str>,
    accent_colour: Option<&'m str>,
    created_at: Iso,
    updated_at: Iso,
}

fn written(merchant: &Merchant, mode: Mode) -> Reply {
    let settings = merchant.settings(mode);
    Reply::ok(&MerchantOut {
        id: merchant.id,
        livemode: mode.is_live(),
        name: merchant.shown_name(mode),
        allowed_origins: &settings.allowed_origins,
        locale: settings.locale.as_deref(),
        logo: settings.logo.as_deref(),
        accent_colour: settings.accent_colour.as_deref(),
        created_at: Iso(merchant.created_at),
        updated_at: Iso(merchant.updated_at),
    })
}

async fn get(asked: Asked) -> Result<Reply, Problem> {
    let tenant = asked.tenant();
    let merchant = asked.engine().merchant(tenant).await?;
    Ok(written(&merchant, tenant.mode))
}

async fn update(asked: Asked, input: MerchantIn) -> Result<Reply, Problem> {
    let wanted = SettingsChange {
        name: input.name,
        allowed_origins: input.allowed_origins,
        locale: input.locale,
        logo: input.logo,
        accent_colour: input.accent_colour,
    };
    let tenant = asked.tenant();
    let merchant = asked
        .engine()
        .configure_merchant(tenant, wanted, None)
        .await?;
    Ok(written(&merchant, tenant.mode))
}
