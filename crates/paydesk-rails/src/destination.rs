//! What a payer is told of where to push money: the receiver's account, and the code that says all of it.

use paydesk_core::method::Method;
use paydesk_core::money::Money;
use paydesk_core::receiver::Receiver;
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::Destination;

use crate::emvqr::{BuildError, Code, Initiation, Payment};

/// Where the payer sends so much, with the reference that it comes back with; by a code that runs out, if the method is
/// one of scanning.
pub fn destination(
    receiver: &Receiver,
    amount: Money,
    nonce: &str,
    expires_at: Timestamp,
) -> Result<Destination, BuildError> {
    let code = receiver
        .payee()
        .map(|payee| {
            Code::for_payment(&Payment {
                payee: &payee,
                amount,
                name: &receiver.account_name,
                city: city(receiver.method),
                bill_number: nonce,
                initiation: Some(Initiation::OneTime),
                expires_at: Some(expires_at),
            })
        })
        .transpose()?;
    Ok(Destination {
        account: receiver.account.clone(),
        nonce: nonce.to_owned(),
        qr_code: code.map(|code| code.to_string()),
        account_name: receiver.account_name.clone(),
        bank: receiver.bank.clone(),
    })
}

/// What codes of the scheme say where they have to name a city, and no bank looks at it.
const fn city(method: Method) -> &'static str {
    match method {
        Method::PayNow => "Singapore",
        Method::PromptPay => "Bangkok",
        Method::DuitNow => "Kuala Lumpur",
        _ => "Hong Kong",
    }
}
