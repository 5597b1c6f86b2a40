//! The field in our forms that proves that the form was ours: for browsers that do not say where a post comes
//! from.

use data_encoding::BASE64URL_NOPAD;
use paydesk_core::keys::{Purpose, ServerKeys};

/// The name of the field.
pub const FIELD: &str = "formCode";

/// The code for a form that acts on this.
#[must_use]
pub fn write(keys: &ServerKeys, subject: &str) -> String {
    let code = keys.sign(Purpose::Form, &[subject.as_bytes()]);
    format!("{}.{}", keys.current(), BASE64URL_NOPAD.encode(&code))
}

/// Whether a form that acts on this carries its code.
#[must_use]
pub fn verify(keys: &ServerKeys, subject: &str, given: &str) -> bool {
    let Some((version, code)) = given.split_once('.') else {
        return false;
    };
    let (Ok(version), Ok(code)) = (version.parse(), BASE64URL_NOPAD.decode(code.as_bytes())) else {
        return false;
    };
    keys.verify(version, Purpose::Form, &[subject.as_bytes()], &code)
}
