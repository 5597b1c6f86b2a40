//! Customers: made by the merchant, or by the first session that names an unknown code.

use super::idempotency::Idempotent;
use super::{Engine, EngineError, Env};
use crate::customer::Customer;
use crate::id::CustomerId;
use crate::refusal::Refusal;
use crate::store::{Change, Claim, ClaimKey, Conflict, NameSpace, Record, Unavailable};
use crate::tenant::Tenant;

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
    add(&mut change, &customer)?;
    Ok((change, customer))
}

/// Puts a new customer into a change.
fn add(change: &mut Change, customer: &Customer) -> Result<(), Unavailable> {
    change.puts.push(Record::entry(customer)?);
    change.claims.push(Claim {
        key: Customer::claim(&customer.code),
        owner: customer.id.0,
    });
    Ok(())
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
    Ok((Some(change), changed))
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
        change.puts.extend(own.puts);
        change.claims.extend(own.claims);
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
