//! Customers: made by the merchant, or by the first session that names an unknown code; changed, and deleted with their
//! cards.

use super::idempotency::Idempotent;
use super::{Engine, EngineError, Env, detach_payment_method};
use crate::customer::Customer;
use crate::event::{Event, EventKind, Subject};
use crate::id::{CustomerId, EventId};
use crate::list::{Mark, Page, PaymentMethodFilter};
use crate::payment_method::PaymentMethod;
use crate::refusal::Refusal;
use crate::store::{Change, Claim, ClaimKey, Conflict, NameSpace, Record, Unavailable};
use crate::tenant::Tenant;

/// So many cards are read at once.
const CARDS_AT_ONCE: usize = 100;

/// What is known of a customer. What is not given stays as it is, or empty.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct CustomerFields {
    /// Name; `Some(None)` takes it away.
    pub name: Option<Option<String>>,
    /// Email address.
    pub email: Option<Option<String>>,
    /// Telephone.
    pub phone: Option<Option<String>>,
}

impl CustomerFields {
    fn check(&self) -> Result<(), Refusal> {
        text("name", self.name.as_ref(), 500)?;
        text("email", self.email.as_ref(), 500)?;
        text("phone", self.phone.as_ref(), 40)
    }
}

fn text(field: &str, given: Option<&Option<String>>, limit: usize) -> Result<(), Refusal> {
    match given {
        Some(Some(text)) => plain_text(field, text, limit),
        _ => Ok(()),
    }
}

/// A text that people or programs gave something: neither empty, nor too long, nor with a NUL in it.
pub(super) fn plain_text(field: &str, text: &str, limit: usize) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::field(field, "is empty; leave it out instead"));
    }
    if text.chars().count() > limit {
        return Err(Refusal::field(
            field,
            format!("is longer than {limit} characters"),
        ));
    }
    if text.contains('\0') {
        return Err(Refusal::field(field, "contains a NUL character"));
    }
    Ok(())
}

/// Decides a new customer. Without a code it gets one.
pub fn decide_new(
    tenant: Tenant,
    code: Option<String>,
    fields: CustomerFields,
    env: Env<'_>,
) -> Result<(Change, Customer), EngineError> {
    if let Some(code) = &code {
        plain_text("code", code, 500)?;
    }
    fields.check()?;
    let code = code.unwrap_or_else(|| {
        let mut random = [0; 10];
        env.ids.fill(&mut random);
        let text = data_encoding::BASE32_NOPAD.encode(&random);
        format!("cus_{}", text.to_ascii_lowercase())
    });
    let customer = Customer {
        id: CustomerId::fresh(env.ids, env.wall),
        tenant,
        version: 1,
        code,
        name: fields.name.flatten(),
        email: fields.email.flatten(),
        phone: fields.phone.flatten(),
        created_at: env.now,
        updated_at: env.now,
    };
    let mut change = Change::new(tenant);
    add(&mut change, &customer, env)?;
    Ok((change, customer))
}

/// Puts a new customer into a change.
fn add(change: &mut Change, customer: &Customer, env: Env<'_>) -> Result<(), Unavailable> {
    change.puts.push(Record::entry(customer)?);
    change.claims.push(held(customer));
    tell(change, EventKind::CustomerCreated, customer, env);
    Ok(())
}

/// The customer's claim to its code.
fn held(customer: &Customer) -> Claim {
    Claim {
        key: Customer::claim(&customer.code),
        owner: customer.id.0,
    }
}

fn tell(change: &mut Change, kind: EventKind, customer: &Customer, env: Env<'_>) {
    change.events.push(Event {
        id: EventId::fresh(env.ids, env.wall),
        tenant: customer.tenant,
        kind,
        sequence: u32::try_from(customer.version).unwrap_or(u32::MAX),
        at: env.now,
        session: None,
        subject: Subject::Customer {
            customer: Box::new(customer.clone()),
        },
        notify: false,
    });
}

/// Decides a change of a customer. Nothing, if it is already so.
pub fn decide_change(
    customer: Customer,
    fields: CustomerFields,
    env: Env<'_>,
) -> Result<(Option<Change>, Customer), EngineError> {
    fields.check()?;
    let mut changed = customer.clone();
    for (field, given) in [
        (&mut changed.name, fields.name),
        (&mut changed.email, fields.email),
        (&mut changed.phone, fields.phone),
    ] {
        if let Some(given) = given {
            *field = given;
        }
    }
    if changed == customer {
        return Ok((None, customer));
    }
    changed.version += 1;
    changed.updated_at = env.now;
    let mut change = Change::new(changed.tenant);
    change.puts.push(Record::entry(&changed)?);
    tell(&mut change, EventKind::CustomerUpdated, &changed, env);
    Ok((Some(change), changed))
}

/// Decides a customer's end: what is known of it goes, its code is free again, and none of its `cards` can be charged
/// any more. Sessions and transactions that name the code stay as they are.
pub fn decide_deletion(
    customer: &Customer,
    cards: Vec<PaymentMethod>,
    env: Env<'_>,
) -> Result<Change, EngineError> {
    let mut change = Change::new(customer.tenant);
    change.puts.push(Record::removal(customer));
    change.releases.push(held(customer));
    for card in cards {
        if let Some(detached) = detach_payment_method::decide(card, env).0 {
            change.absorb(detached);
        }
    }
    // Its last version is one on, as that of every change.
    let mut last = customer.clone();
    last.version += 1;
    tell(&mut change, EventKind::CustomerDeleted, &last, env);
    Ok(change)
}

impl Engine {
    /// Makes a customer.
    pub async fn create_customer(
        &self,
        tenant: Tenant,
        code: Option<String>,
        fields: CustomerFields,
        idempotent: Option<Idempotent<Customer>>,
    ) -> Result<Customer, EngineError> {
        self.once(tenant, idempotent.as_ref(), |conflict| {
            let (code, fields) = (code.clone(), fields.clone());
            async move {
                if let Some(Conflict::Claimed {
                    key:
                        ClaimKey::Name {
                            space: NameSpace::Customer,
                            ..
                        },
                    ..
                }) = conflict
                {
                    return Err(Refusal::CustomerCodeTaken.into());
                }
                let (change, customer) = decide_new(tenant, code, fields, self.env(tenant))?;
                Ok((Some(change), customer))
            }
        })
        .await
    }

    /// Changes what is known of a customer.
    pub async fn update_customer(
        &self,
        tenant: Tenant,
        id: CustomerId,
        fields: CustomerFields,
    ) -> Result<Customer, EngineError> {
        self.repeat(|_| {
            let fields = fields.clone();
            async move {
                let customer = self.customer(tenant, id).await?;
                decide_change(customer, fields, self.env(tenant))
            }
        })
        .await
    }

    /// Deletes a customer; answers with it as it was.
    pub async fn delete_customer(
        &self,
        tenant: Tenant,
        id: CustomerId,
    ) -> Result<Customer, EngineError> {
        self.repeat(|_| async move {
            let customer = self.customer(tenant, id).await?;
            let cards = self.attached_cards(&customer).await?;
            let change = decide_deletion(&customer, cards, self.env(tenant))?;
            Ok((Some(change), customer))
        })
        .await
    }

    /// The cards that are stored for a customer.
    async fn attached_cards(&self, customer: &Customer) -> Result<Vec<PaymentMethod>, Unavailable> {
        let filter = PaymentMethodFilter {
            customer: Some(customer.code.clone()),
            detached: Some(false),
            ..PaymentMethodFilter::default()
        };
        let mut cards = Vec::new();
        loop {
            let after = cards.last().map(|last: &PaymentMethod| Mark::of(last.id.0));
            let page = Page::first(CARDS_AT_ONCE).after(after);
            let some = self
                .store()
                .payment_methods(customer.tenant, &filter, page)
                .await?;
            let is_last = some.len() < CARDS_AT_ONCE;
            cards.extend(some);
            if is_last {
                return Ok(cards);
            }
        }
    }

    /// A customer.
    pub async fn customer(&self, tenant: Tenant, id: CustomerId) -> Result<Customer, EngineError> {
        let found = self.store().find(tenant, id.0).await?;
        Ok(found.ok_or(Refusal::CustomerNotFound)?)
    }

    /// The customer with this code.
    pub async fn customer_by_code(
        &self,
        tenant: Tenant,
        code: &str,
    ) -> Result<Customer, EngineError> {
        match self.store().claim(tenant, &Customer::claim(code)).await? {
            Some(id) => self.customer(tenant, CustomerId(id)).await,
            None => Err(Refusal::CustomerNotFound.into()),
        }
    }

    /// The customer that a session names by a code that is not known yet, to be made with the session.
    pub(super) async fn unknown_customer(
        &self,
        tenant: Tenant,
        details: Option<&crate::session::CustomerDetails>,
    ) -> Result<Option<CustomerFieldsOfCode>, Unavailable> {
        let Some((code, details)) = details.and_then(|all| Some((all.code.as_ref()?, all))) else {
            return Ok(None);
        };
        if self
            .store()
            .claim(tenant, &Customer::claim(code))
            .await?
            .is_some()
        {
            return Ok(None);
        }
        Ok(Some(CustomerFieldsOfCode {
            code: code.clone(),
            fields: CustomerFields {
                name: Some(details.name.clone()),
                email: Some(details.email.clone()),
                phone: Some(
                    details
                        .phone
                        .as_ref()
                        .map(|phone| format!("{}{}", phone.code, phone.number)),
                ),
            },
        }))
    }
}

/// A customer to be made with the session that named it.
pub(super) struct CustomerFieldsOfCode {
    code: String,
    fields: CustomerFields,
}

impl CustomerFieldsOfCode {
    /// Makes it in the session's own change.
    pub(super) fn join(self, change: &mut Change, env: Env<'_>) -> Result<(), EngineError> {
        let (own, _) = decide_new(change.tenant, Some(self.code), self.fields, env)?;
        change.absorb(own);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;

    fn named(name: &str) -> CustomerFields {
        CustomerFields {
            name: Some(Some(name.to_owned())),
            ..CustomerFields::default()
        }
    }

    #[test]
    fn a_customer_without_a_code_gets_one_and_holds_it() {
        let desk = Desk::new();
        let (change, customer) = decide_new(desk.tenant, None, named("Ada"), desk.env()).unwrap();
        assert!(customer.code.starts_with("cus_"));
        assert_eq!(
            change.claims,
            [Claim {
                key: Customer::claim(&customer.code),
                owner: customer.id.0
            }]
        );
    }

    fn told(change: &Change) -> Vec<(EventKind, u32, Customer)> {
        let of = |event: &Event| match &event.subject {
            Subject::Customer { customer } => {
                (event.kind, event.sequence, Customer::clone(customer))
            }
            other => panic!("{other:?} is no customer"),
        };
        change.events.iter().map(of).collect()
    }

    #[test]
    fn each_change_of_a_customer_is_told() {
        let desk = Desk::new();
        let (change, made) = decide_new(desk.tenant, None, named("Ada"), desk.env()).unwrap();
        let created = (EventKind::CustomerCreated, 1, made.clone());
        assert_eq!(told(&change), [created]);
        let (change, changed) = decide_change(made, named("Bea"), desk.env()).unwrap();
        let updated = (EventKind::CustomerUpdated, 2, changed.clone());
        assert_eq!(told(&change.unwrap()), [updated]);
        let change = decide_deletion(&changed, Vec::new(), desk.env()).unwrap();
        let last = Customer {
            version: 3,
            ..changed
        };
        assert_eq!(told(&change), [(EventKind::CustomerDeleted, 3, last)]);
    }

    #[test]
    fn a_deleted_customer_gives_up_its_code_and_its_cards() {
        let desk = Desk::new();
        let code = Some("c-1".to_owned());
        let (_, customer) = decide_new(desk.tenant, code, named("Ada"), desk.env()).unwrap();
        let card = desk.stored_card();
        let change = decide_deletion(&customer, vec![card.clone()], desk.env()).unwrap();
        assert_eq!(change.releases, [held(&customer)]);
        let (_, detached) = detach_payment_method::decide(card, desk.env());
        assert_eq!(
            change.puts,
            [Record::removal(&customer), Record::PaymentMethod(detached)]
        );
    }

    #[test]
    fn a_change_that_changes_nothing_writes_nothing() {
        let desk = Desk::new();
        let code = Some("c-1".to_owned());
        let (_, customer) = decide_new(desk.tenant, code, named("Ada"), desk.env()).unwrap();
        let (change, same) = decide_change(customer.clone(), named("Ada"), desk.env()).unwrap();
        assert_eq!((change, &same), (None, &customer));
        let (change, renamed) = decide_change(customer, named("Bea"), desk.env()).unwrap();
        assert!(change.is_some());
        assert_eq!((renamed.version, renamed.name.as_deref()), (2, Some("Bea")));
        let taken = CustomerFields {
            name: Some(None),
            ..CustomerFields::default()
        };
        assert_eq!(
            decide_change(renamed, taken, desk.env()).unwrap().1.name,
            None
        );
    }

    #[test]
    fn a_field_that_is_no_text_is_refused_by_name() {
        let desk = Desk::new();
        for (fields, wrong) in [
            (named("  "), "name"),
            (named(&"x".repeat(501)), "name"),
            (named("a\0b"), "name"),
            (
                CustomerFields {
                    phone: Some(Some("1".repeat(41))),
                    ..CustomerFields::default()
                },
                "phone",
            ),
        ] {
            let refused = decide_new(desk.tenant, None, fields, desk.env()).unwrap_err();
            assert!(
                matches!(&refused, EngineError::Refused(Refusal::InvalidField { field, .. }) if field == wrong),
                "{refused}"
            );
        }
    }
}
