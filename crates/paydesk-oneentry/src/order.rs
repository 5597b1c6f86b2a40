//! OneEntry's order object: one form when it is made, another when it is read.

use paydesk_api::wire::{Iso, MajorNumber};
use paydesk_core::given::Given;
use paydesk_core::number::Number;
use paydesk_core::shop::{Order, OrderLine};
use serde::{Serialize, Serializer};

/// An order as it is answered when it is made.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreatedOrder<'o> {
    id: Number,
    form_identifier: &'o str,
    payment_account_identifier: &'o str,
    form_data: FormData<'o>,
    products: Vec<ProductOut<'o>>,
    currency: &'static str,
    total_sum: MajorNumber,
    created_date: Iso,
    status_identifier: &'static str,
}

/// An order as it is read.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderOut<'o> {
    id: Number,
    storage_id: Number,
    created_date: Iso,
    status_identifier: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    form_identifier: Option<&'o str>,
    form_data: FormData<'o>,
    total_sum: String,
    currency: &'static str,
    payment_account_identifier: &'o str,
    payment_url: Option<String>,
    products: Vec<ProductOut<'o>>,
    is_completed: bool,
}

/// What was filled in: as given, or an empty list.
pub struct FormData<'o>(pub &'o Given);

impl Serialize for FormData<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_null() {
            return serializer.collect_seq(std::iter::empty::<()>());
        }
        self.0.serialize(serializer)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProductOut<'o> {
    id: u64,
    product_id: u64,
    title: &'o str,
    sku: Option<&'o str>,
    preview_image: Option<&'o str>,
    price: MajorNumber,
    quantity: u32,
    is_gift: bool,
}

impl<'o> From<&'o OrderLine> for ProductOut<'o> {
    fn from(line: &'o OrderLine) -> Self {
        Self {
            id: line.product,
            product_id: line.product,
            title: &line.title,
            sku: None,
            preview_image: None,
            price: MajorNumber(line.price),
            quantity: line.quantity,
            is_gift: false,
        }
    }
}

const fn status(order: &Order) -> &'static str {
    if order.paid.is_some() {
        "paid"
    } else {
        "inProgress"
    }
}

impl<'o> From<&'o Order> for CreatedOrder<'o> {
    fn from(order: &'o Order) -> Self {
        Self {
            id: order.number(),
            form_identifier: order.form.as_deref().unwrap_or_default(),
            payment_account_identifier: &order.account_identifier,
            form_data: FormData(&order.form_data),
            products: order.lines.iter().map(ProductOut::from).collect(),
            currency: order.total.currency().code(),
            total_sum: MajorNumber(order.total),
            created_date: Iso(order.created_at),
            status_identifier: status(order),
        }
    }
}

impl<'o> OrderOut<'o> {
    /// With the page where it is, or was, paid.
    pub fn new(order: &'o Order, payment_url: Option<String>) -> Self {
        Self {
            id: order.number(),
            storage_id: Number::of(order.storage.id),
            created_date: Iso(order.created_at),
            status_identifier: status(order),
            form_identifier: order.form.as_deref(),
            form_data: FormData(&order.form_data),
            total_sum: order.total.to_major(),
            currency: order.total.currency().code(),
            payment_account_identifier: &order.account_identifier,
            payment_url,
            products: order.lines.iter().map(ProductOut::from).collect(),
            is_completed: order.paid.is_some(),
        }
    }
}
