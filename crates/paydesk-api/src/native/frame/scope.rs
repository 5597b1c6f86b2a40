//! What a restricted key may be allowed to do.

use paydesk_core::merchant::{ApiKey, Grant};

macro_rules! scopes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $what:literal;)*) => {
        /// One permission. Its name is what a key's `scopes` list; it never changes.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Scope {
            $($(#[$doc])* $variant,)*
        }
        impl Scope {
            /// All of them, in the order in which they are documented.
            pub const ALL: &[Self] = &[$(Self::$variant),*];
            /// The name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
            /// What it allows, for people.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self { $(Self::$variant => $what,)* }
            }
        }
    };
}

scopes! {
    /// Read sessions.
    SessionsRead = "sessions:read", "read sessions";
    /// Open and end sessions.
    SessionsWrite = "sessions:write", "open, expire and cancel sessions, and make client tokens";
    /// Read transactions.
    TransactionsRead = "transactions:read", "read transactions";
    /// Operate on transactions.
    TransactionsWrite = "transactions:write", "settle, void, refund, sync and accept";
    /// Report and assign bank transfers.
    Bank = "bank", "report, read and assign bank transfers";
    /// Read the merchant's settings.
    MerchantRead = "merchant:read", "read the merchant's settings";
    /// Change the merchant's settings.
    MerchantWrite = "merchant:write", "change the merchant's settings";
    /// Read customers.
    CustomersRead = "customers:read", "read customers";
    /// Change customers.
    CustomersWrite = "customers:write", "create, change and delete customers";
    /// Read stored cards.
    PaymentMethodsRead = "paymentMethods:read", "read stored payment methods";
    /// Charge and detach stored cards.
    PaymentMethodsWrite = "paymentMethods:write", "charge and detach stored payment methods";
    /// Read orders.
    OrdersRead = "orders:read", "read orders";
    /// Make orders.
    OrdersWrite = "orders:write", "create and change orders";
    /// Read products.
    ProductsRead = "products:read", "read products";
    /// Change products.
    ProductsWrite = "products:write", "create, change and delete products";
    /// Read accounts on rails.
    ProviderAccountsRead = "providerAccounts:read", "read provider accounts";
    /// Change accounts on rails.
    ProviderAccountsWrite = "providerAccounts:write", "create, enable and disable provider accounts";
    /// Read endpoints, events and deliveries.
    WebhooksRead = "webhooks:read", "read webhook endpoints, events and deliveries";
    /// Change endpoints, send again.
    WebhooksWrite = "webhooks:write", "change webhook endpoints, replay events and retry deliveries";
    /// Move test time.
    TestClock = "testClock", "read and move the merchant's test time";
}

impl Scope {
    /// The scope of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scope| scope.name() == name)
    }

    /// Whether it allows what `needed` does: itself, and writing includes reading of the same.
    #[must_use]
    pub fn covers(self, needed: Self) -> bool {
        let subject = |scope: Self| scope.name().split_once(':');
        self == needed
            || matches!((subject(self), subject(needed)), (Some((own, "write")), Some((other, "read"))) if own == other)
    }
}

/// Who may make a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Every secret key, and restricted keys with this scope.
    Scope(Scope),
    /// Secret keys only: what would let a restricted key make itself less restricted.
    Unrestricted,
}

impl Access {
    /// Whether a key may make the call.
    #[must_use]
    pub fn allows(self, key: &ApiKey) -> bool {
        match (&key.grant, self) {
            (Grant::Everything, _) => true,
            (Grant::Publishable, _) | (Grant::Scopes { .. }, Self::Unrestricted) => false,
            (Grant::Scopes { scopes, .. }, Self::Scope(needed)) => scopes
                .iter()
                .filter_map(|name| Scope::from_name(name))
                .any(|scope| scope.covers(needed)),
        }
    }

    /// What a key would need, for people.
    #[must_use]
    pub fn needed(self) -> String {
        match self {
            Self::Scope(scope) => format!("the scope {}", scope.name()),
            Self::Unrestricted => "to be a secret key without restrictions".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_includes_reading_of_the_same_and_nothing_else() {
        for &own in Scope::ALL {
            for &needed in Scope::ALL {
                let is_read_of_own = own
                    .name()
                    .strip_suffix(":write")
                    .is_some_and(|subject| needed.name() == format!("{subject}:read"));
                assert_eq!(
                    own.covers(needed),
                    own == needed || is_read_of_own,
                    "{own:?} {needed:?}"
                );
            }
        }
    }

    #[test]
    fn a_scope_is_found_by_its_name_only() {
        for &scope in Scope::ALL {
            assert_eq!(Scope::from_name(scope.name()), Some(scope));
        }
        for unknown in ["", "sessions", "sessions:*", "Sessions:read", "keys:write"] {
            assert_eq!(Scope::from_name(unknown), None);
        }
    }
}
