//! `/api/v1/customers`: create, read, list, change, delete.

use paydesk_core::customer::Customer;
use paydesk_core::engine::EngineError;
use paydesk_core::engine::customers::CustomerFields;
use paydesk_core::id::CustomerId;
use paydesk_core::refusal::Refusal;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::frame::{Asked, Call, PageOut, Parameter, Problem, Reply, Scope};
use super::schema;
use crate::wire::Iso;

/// The calls.
pub fn calls() -> Vec<Call> {
    vec![
        Call::post("/customers", Scope::CustomersWrite, create)
            .named("createCustomer", "Makes a customer")
            .told("A session that names an unknown `customer.code` makes one too.")
            .creates::<CustomerOut<'_>>(),
        Call::list("/customers", Scope::CustomersRead, list)
            .named("listCustomers", "Lists customers")
            .takes([Parameter::text("code", "Only the one with this code.")])
            .pages::<CustomerOut<'_>>(),
        Call::get("/customers/{id}", Scope::CustomersRead, get)
            .named("getCustomer", "Reads a customer")
            .answers::<CustomerOut<'_>>(),
        Call::patch("/customers/{id}", Scope::CustomersWrite, update)
            .named("updateCustomer", "Changes what is known of a customer")
            .told("What is not given stays as it is; null takes it away. The code never changes.")
            .answers::<CustomerOut<'_>>(),
        Call::delete("/customers/{id}", Scope::CustomersWrite, delete)
            .named("deleteCustomer", "Deletes a customer")
            .told(
                "None of the customer's stored cards can be charged any more, and the code is free again; what was \
                 paid stays. It is answered as it was.",
            )
            .answers::<CustomerOut<'_>>(),
    ]
}

/// Tells a field that is null, `Some(None)`, from one that is not given.
pub(super) fn given<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CustomerRequest")]
struct CustomerIn {
    /// Your own code; made up if it is not given.
    #[schemars(length(min = 1, max = 500))]
    code: Option<String>,
    #[schemars(length(min = 1, max = 500))]
    name: Option<String>,
    #[schemars(length(min = 1, max = 500))]
    email: Option<String>,
    #[schemars(length(min = 1, max = 40))]
    phone: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CustomerChangeRequest")]
struct CustomerChangeIn {
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<String>", length(min = 1, max = 500))]
    name: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<String>", length(min = 1, max = 500))]
    email: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<String>", length(min = 1, max = 40))]
    phone: Option<Option<String>>,
}

/// A customer as the native API writes it; what is absent is left out.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Customer")]
pub struct CustomerOut<'c> {
    #[schemars(with = "schema::Id")]
    id: CustomerId,
    code: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'c str>,
    livemode: bool,
    created_at: Iso,
    updated_at: Iso,
}

impl<'c> From<&'c Customer> for CustomerOut<'c> {
    fn from(customer: &'c Customer) -> Self {
        Self {
            id: customer.id,
            code: &customer.code,
            name: customer.name.as_deref(),
            email: customer.email.as_deref(),
            phone: customer.phone.as_deref(),
            livemode: customer.tenant.mode.is_live(),
            created_at: Iso(customer.created_at),
            updated_at: Iso(customer.updated_at),
        }
    }
}

async fn create(mut asked: Asked, input: CustomerIn) -> Result<Reply, Problem> {
    let fields = CustomerFields {
        name: Some(input.name),
        email: Some(input.email),
        phone: Some(input.phone),
    };
    let render = |customer: &Customer| Reply::created(&CustomerOut::from(customer));
    let idempotent = asked.idempotent(render);
    let made = asked
        .engine()
        .create_customer(asked.tenant(), input.code, fields, idempotent)
        .await?;
    Ok(render(&made))
}

async fn list(asked: Asked) -> Result<Reply, Problem> {
    let paging = asked.paging("customers")?;
    let Some(code) = asked.query("code") else {
        let found: Vec<Customer> = asked.entries(&paging, None).await?;
        return Ok(asked.page_of_entries(&paging, &found, CustomerOut::from));
    };
    let found = asked.engine().customer_by_code(asked.tenant(), code).await;
    let found = match found {
        Err(EngineError::Refused(Refusal::CustomerNotFound)) => None,
        found => Some(found?),
    };
    Ok(Reply::ok(&PageOut {
        data: found.iter().map(CustomerOut::from).collect(),
        next_cursor: None,
    }))
}

async fn get(asked: Asked) -> Result<Reply, Problem> {
    let id = asked.id(Refusal::CustomerNotFound)?;
    let customer = asked.engine().customer(asked.tenant(), id).await?;
    Ok(Reply::ok(&CustomerOut::from(&customer)))
}

async fn update(asked: Asked, input: CustomerChangeIn) -> Result<Reply, Problem> {
    let id = asked.id(Refusal::CustomerNotFound)?;
    let fields = CustomerFields {
        name: input.name,
        email: input.email,
        phone: input.phone,
    };
    let customer = asked
        .engine()
        .update_customer(asked.tenant(), id, fields)
        .await?;
    Ok(Reply::ok(&CustomerOut::from(&customer)))
}

async fn delete(asked: Asked) -> Result<Reply, Problem> {
    let id = asked.id(Refusal::CustomerNotFound)?;
    let customer = asked.engine().delete_customer(asked.tenant(), id).await?;
    Ok(Reply::ok(&CustomerOut::from(&customer)))
}
