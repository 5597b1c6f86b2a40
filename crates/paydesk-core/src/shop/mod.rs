//! What a merchant's shop keeps here: products, the orders of them, and the people who sign in and order.
//!
//! All of it is in the [directory](crate::directory); what becomes of it is decided in
//! [`engine::shop`](crate::engine::shop).

mod account;
mod order;
mod product;
mod refusal;
mod sign_in;
mod token;
mod user;

pub use account::AccountSettings;
pub use order::{NotInOneSum, Order, OrderLine, Paid, Storage, total};
pub use product::Product;
pub use refusal::ShopRefusal;
pub use sign_in::{
    ACCESS_LIFETIME, MAX_SIGN_INS, REFRESH_GRACE, REFRESH_LIFETIME, Refresh, SignIn, Use,
};
pub use token::{TokenKind, UserToken};
pub use user::{Contacts, PasswordHash, User};
