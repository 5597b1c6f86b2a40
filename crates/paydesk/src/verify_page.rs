//! `paydesk verify-page`: whether a payer's page, as it arrives outside, is what this build serves.

use std::time::Duration;

use anyhow::{Context as _, bail};
use http::{HeaderMap, HeaderName};
use paydesk_api::checkout::accent::Colour;
use paydesk_api::checkout::proof;
use paydesk_core::tenant::Mode;
use reqwest::redirect::Policy;
use url::Url;

use crate::cli::VerifyPageOptions;

/// More than any page of ours has, in bytes.
const MOST: usize = 1024 * 1024;
/// Every answer has these, and they say nothing about what a browser may do.
const EVERYDAY: &[&str] = &[
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "retry-after",
    "transfer-encoding",
    "x-request-id",
];

/// Compares everything and says what it found; fails if anything differs.
pub async fn run(options: VerifyPageOptions) -> anyhow::Result<()> {
    let Some(url) = &options.url else {
        for file in proof::files() {
            println!("{}  {}", file.sha256(), file.path());
        }
        return Ok(());
    };
    let allowed = options
        .allow_headers
        .iter()
        .map(|name| {
            name.parse()
                .with_context(|| format!("{name} is not the name of a header"))
        })
        .collect::<anyhow::Result<Vec<HeaderName>>>()?;
    // Only one provider of cryptography can be installed, and it is this one everywhere.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let check = Check {
        client: reqwest::Client::builder()
            .redirect(Policy::none())
            .timeout(Duration::from_secs(30))
            .build()?,
        allowed,
    };
    let mut differs = 0;
    let mut report = |what: &str, found: Vec<String>| {
        differs += found.len();
        if found.is_empty() {
            println!("same     {what}");
        }
        for difference in found {
            println!("DIFFERS  {what}: {difference}");
        }
    };
    let (headers, html) = check.fetch(url).await?;
    let base = base(url);
    report("the page's headers", check.page_headers(url, &headers));
    let html = String::from_utf8_lossy(&html);
    report("the page's markup", proof::foreign_markup(&html, &base));
    let files = proof::files().iter();
    let files = files.map(|file| (file.path(), file.headers(), file.content().to_owned()));
    let accents = proof::accents(&html, &base).into_iter();
    let accents = accents.map(|colour| (colour.path(), Colour::headers(), colour.style()));
    for (path, headers, content) in files.chain(accents) {
        let mut address = url.clone();
        address.set_query(None);
        address.set_path(&format!("{base}{path}"));
        report(&path, check.file(&address, &headers, &content).await?);
    }
    if differs > 0 {
        bail!("{differs} differences: what arrives is not what this build serves");
    }
    println!("All is as this build serves it.");
    Ok(())
}

/// The path that the server's own paths come after.
fn base(url: &Url) -> String {
    let path = url.path();
    let end = path
        .find("/pay/")
        .or_else(|| path.strip_suffix("/checkout").map(str::len))
        .unwrap_or_else(|| path.trim_end_matches('/').len());
    path.get(..end).unwrap_or_default().to_owned()
}

struct Check {
    client: reqwest::Client,
    allowed: Vec<HeaderName>,
}

impl Check {
    async fn fetch(&self, url: &Url) -> anyhow::Result<(HeaderMap, Vec<u8>)> {
        let failed = || format!("{url} could not be fetched");
        let mut answer = self
            .client
            .get(url.clone())
            .send()
            .await
            .with_context(failed)?;
        let headers = answer.headers().clone();
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.with_context(failed)? {
            body.extend_from_slice(&part);
            if body.len() > MOST {
                bail!("{url} is larger than any page of ours");
            }
        }
        Ok((headers, body))
    }

    async fn file(
        &self,
        address: &Url,
        ours: &HeaderMap,
        content: &str,
    ) -> anyhow::Result<Vec<String>> {
        let (headers, body) = self.fetch(address).await?;
        let mut found = self.headers(ours, &headers);
        if body != content.as_bytes() {
            let wanted = content.len();
            found.push(format!("its {} bytes are not our {wanted}", body.len()));
        }
        Ok(found)
    }

    /// A page of test mode and one of live mode have different headers; it must be one of the two.
    fn page_headers(&self, url: &Url, headers: &HeaderMap) -> Vec<String> {
        let against = |mode| self.headers(&proof::page_headers(url, mode), headers);
        let live = against(Mode::Live);
        if live.is_empty() {
            return live;
        }
        let test = against(Mode::Test);
        if test.len() < live.len() { test } else { live }
    }

    fn headers(&self, ours: &HeaderMap, theirs: &HeaderMap) -> Vec<String> {
        let mut found = Vec::new();
        for (name, value) in ours {
            let mut all = theirs.get_all(name).iter();
            match (all.next(), all.next()) {
                (None, _) => found.push(format!("{name} is missing")),
                (Some(it), None) if it == value => {}
                (Some(it), None) => found.push(format!("{name}: {it:?} instead of {value:?}")),
                (Some(_), Some(_)) => found.push(format!("{name} is there twice")),
            }
        }
        for name in theirs.keys() {
            let is_known = ours.contains_key(name)
                || EVERYDAY.contains(&name.as_str())
                || self.allowed.contains(name);
            if !is_known {
                found.push(format!(
                    "{name} is not ours (if your proxy adds it: --allow-header {name})"
                ));
            }
        }
        found
    }
}
