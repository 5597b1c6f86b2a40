//! A session's unique code: its id in the letters and digits that people can spell. It is made of the id and leads
//! back to it, so that it is unique without being kept. Like the id, it opens nothing.

use data_encoding::BASE32_NOPAD;
use paydesk_core::id::SessionId;
use uuid::Uuid;

/// The code of a session.
pub fn of(session: SessionId) -> String {
    BASE32_NOPAD.encode(session.0.as_bytes())
}

/// The id that a text is the code of, if it is one; in any case.
pub fn read(text: &str) -> Option<Uuid> {
    let bytes = BASE32_NOPAD
        .decode(text.to_ascii_uppercase().as_bytes())
        .ok()?;
    Uuid::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_leads_back_to_its_session_and_nothing_else_does() {
        let id = SessionId("0193a1c2-7b1e-7abc-9def-0123456789ab".parse().unwrap());
        let code = of(id);
        assert_eq!(code.len(), 26);
        assert_eq!(read(&code), Some(id.0));
        assert_eq!(read(&code.to_ascii_lowercase()), Some(id.0));
        for other in ["", "coffee", &code[1..], &format!("{code}A"), "ü"] {
            assert_eq!(read(other), None, "{other}");
        }
        // The last character has two bits to spare: only one spelling is a code.
        assert_eq!(read(&format!("{}{}", &code[..25], "7")), None);
    }
}
