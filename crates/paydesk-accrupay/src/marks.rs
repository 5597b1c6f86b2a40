//! `providerCode`: what the vendor's rail would call a thing. Ours is made of the thing's own id, so that it is there
//! from the beginning, never changes, and is found again without an index.

use uuid::Uuid;

/// Of what a code is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    /// A session.
    Session,
    /// A transaction.
    Transaction,
    /// A stored card.
    PaymentMethod,
    /// An account on a rail.
    Account,
}

impl Mark {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Session => "cts_",
            Self::Transaction => "txn_",
            Self::PaymentMethod => "pmt_",
            Self::Account => "acc_",
        }
    }

    /// The code of the thing with this id.
    #[must_use]
    pub fn write(self, id: Uuid) -> String {
        format!("{}{}", self.prefix(), id.simple())
    }

    /// The id of the thing with this code, in the form in which it is written.
    #[must_use]
    pub fn read(self, code: &str) -> Option<Uuid> {
        let id = Uuid::try_parse(code.strip_prefix(self.prefix())?).ok()?;
        (self.write(id) == code).then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_it_was_written_and_as_nothing_else() {
        let id = Uuid::from_u128(0x0190_163d_8694_7398_9f1c_1234_5678_9abc);
        let code = Mark::Session.write(id);
        assert!(code.starts_with("cts_") && code.len() == 36, "{code}");
        assert_eq!(Mark::Session.read(&code), Some(id));
        assert_eq!(Mark::Transaction.read(&code), None);
        for wrong in [
            "",
            "cts_",
            "cts_x",
            &code[..35],
            &code.to_uppercase(),
            &format!("{code}0"),
        ] {
            assert_eq!(Mark::Session.read(wrong), None, "{wrong}");
        }
    }
}
