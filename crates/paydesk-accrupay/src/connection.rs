//! The page of a list as the vendor writes it, of each kind of record.

use async_graphql::{Object, SimpleObject};

use crate::account::AccountOut;
use crate::payment_method::PaymentMethodOut;
use crate::plan::{PaymentPlan, PaymentPlanTemplate};
use crate::scalar::Cursor;
use crate::session::SessionOut;
use crate::transaction::TransactionOut;

/// A page of a list.
pub struct Connection<T> {
    /// The records.
    pub edges: Vec<Edge<T>>,
    /// Where the page stands.
    pub page_info: PageInfo,
    /// How many there are in all.
    pub total: i32,
}

/// A record at its place.
pub struct Edge<T> {
    /// Its place.
    pub cursor: Cursor,
    /// The record.
    pub node: T,
}

/// Where a page stands in its list.
#[derive(SimpleObject, Clone, Debug)]
pub struct PageInfo {
    /// The place of the first record.
    pub start_cursor: Option<String>,
    /// The place of the last record.
    pub end_cursor: Option<String>,
    /// Whether others follow.
    pub has_next_page: bool,
    /// Whether others come before.
    pub has_previous_page: bool,
}

macro_rules! connections {
    ($($connection:ident as $wire:literal, $edge:ident as $edge_wire:literal, of $node:ty;)*) => {$(
        /// A page as the vendor writes it.
        pub struct $connection(Connection<$node>);

        impl From<Connection<$node>> for $connection {
            fn from(page: Connection<$node>) -> Self {
                Self(page)
            }
        }

        /// A record at its place.
        #[derive(SimpleObject)]
        #[graphql(name = $edge_wire)]
        pub struct $edge<'c> {
            cursor: &'c Cursor,
            node: &'c $node,
        }

        #[Object(name = $wire)]
        impl $connection {
            /// The records at their places.
            async fn edges(&self) -> Vec<$edge<'_>> {
                let edges = self.0.edges.iter();
                edges.map(|Edge { cursor, node }| $edge { cursor, node }).collect()
            }

            /// The records.
            async fn data(&self) -> Vec<&$node> {
                self.0.edges.iter().map(|edge| &edge.node).collect()
            }

            /// Where the page stands.
            async fn page_info(&self) -> &PageInfo {
                &self.0.page_info
            }

            /// How many there are in all.
            async fn total_count(&self) -> i32 {
                self.0.total
            }

            /// How many there are in all.
            async fn total(&self) -> i32 {
                self.0.total
            }
        }
    )*};
}

connections! {
    Sessions as "MerchantClientTransactionSessionPaginationConnection",
        SessionEdge as "MerchantClientTransactionSessionPaginationEdge", of SessionOut;
    Transactions as "MerchantTransactionPaginationConnection",
        TransactionEdge as "MerchantTransactionPaginationEdge", of TransactionOut;
    PaymentMethods as "MerchantCustomerPaymentMethodPaginationConnection",
        PaymentMethodEdge as "MerchantCustomerPaymentMethodPaginationEdge", of PaymentMethodOut;
    Accounts as "MerchantTransactionProviderPaginationConnection",
        AccountEdge as "MerchantTransactionProviderPaginationEdge", of AccountOut;
    PaymentPlans as "MerchantPaymentPlanPaginationConnection",
        PaymentPlanEdge as "MerchantPaymentPlanPaginationEdge", of PaymentPlan;
    PaymentPlanTemplates as "MerchantPaymentPlanTemplatePaginationConnection",
        PaymentPlanTemplateEdge as "MerchantPaymentPlanTemplatePaginationEdge", of PaymentPlanTemplate;
}
