//! What a shop's commands may say no to.

/// Why a command about products, orders or users was refused; nothing was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ShopRefusal {
    /// There is no such product, for this tenant.
    #[error("there is no such product")]
    ProductNotFound,
    /// There is no such order, for this user of this tenant.
    #[error("there is no such order")]
    OrderNotFound,
    /// The order has been paid.
    #[error("the order is already paid")]
    OrderPaid,
    /// Somebody signs in with that login.
    #[error("the login is already taken: sign in, or choose another")]
    LoginTaken,
    /// No user has this login, or not this password. Which of the two is nobody's business.
    #[error("the login or the password is wrong")]
    WrongCredentials,
    /// The token opens nothing, or nothing any more.
    #[error("the token is not valid, or not any more: sign in again")]
    NotSignedIn,
    /// As many passwords as are judged at once are being judged.
    #[error("too many people are signing in at this moment; try again shortly")]
    TooManySigningIn,
}

impl ShopRefusal {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::ProductNotFound,
        Self::OrderNotFound,
        Self::OrderPaid,
        Self::LoginTaken,
        Self::WrongCredentials,
        Self::NotSignedIn,
        Self::TooManySigningIn,
    ];

    /// The stable name on the native wire.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ProductNotFound => "product_not_found",
            Self::OrderNotFound => "order_not_found",
            Self::OrderPaid => "order_paid",
            Self::LoginTaken => "login_taken",
            Self::WrongCredentials => "wrong_credentials",
            Self::NotSignedIn => "not_signed_in",
            Self::TooManySigningIn => "too_many_signing_in",
        }
    }
}
