//! What somebody looks for: words, and whatever names a session.

use super::{Engine, EngineError};
use crate::authority::Authority;
use crate::id::TransactionId;
use crate::refusal::Refusal;
use crate::search::Search;
use crate::store::{ClaimKey, NameSpace};
use crate::tenant::Tenant;

impl Engine {
    /// What is looked for among sessions; nothing if the text is blank. `field` is what a refusal names.
    ///
    /// A part of the text may also be what names a session: its id, its [public id](Authority), a number or code of a
    /// dialect's, or the id of one of its transactions.
    pub async fn search_sessions(
        &self,
        tenant: Tenant,
        field: &str,
        text: &str,
    ) -> Result<Option<Search>, EngineError> {
        let Some(mut search) = self.search_transactions(tenant, field, text).await? else {
            return Ok(None);
        };
        for term in &mut search.terms {
            for id in term.ids.clone() {
                let found = self.store().transaction(tenant, TransactionId(id)).await?;
                let session = found.and_then(|transaction| transaction.session);
                term.ids.extend(session.map(|session| session.0));
            }
        }
        Ok(Some(search))
    }

    /// What is looked for among transactions; nothing if the text is blank. `field` is what a refusal names.
    ///
    /// A part of the text may also be what names a session, or a transaction's own id.
    pub async fn search_transactions(
        &self,
        tenant: Tenant,
        field: &str,
        text: &str,
    ) -> Result<Option<Search>, EngineError> {
        let parsed = Search::parse(text);
        let Some(mut search) = parsed.map_err(|error| Refusal::field(field, error.to_string()))?
        else {
            return Ok(None);
        };
        let named = |space, name: &str| ClaimKey::Name {
            space,
            name: name.to_owned(),
        };
        let names = search.terms.iter().flat_map(|term| {
            [NameSpace::Session, NameSpace::SessionCode].map(|space| named(space, &term.text))
        });
        let owners = self
            .store()
            .claims(tenant, &names.collect::<Vec<_>>())
            .await?;
        for (term, owners) in search.terms.iter_mut().zip(owners.chunks(2)) {
            term.ids.extend(owners.iter().copied().flatten());
            if let Some(authority) = Authority::from_text(&term.text, self.keys())
                && authority.tenant == tenant
            {
                term.ids.push(authority.session.0);
            }
        }
        Ok(Some(search))
    }
}
