//! What a receiver is told of an event, in its own words.

use std::fmt;

use paydesk_core::endpoint::EndpointFormat;
use paydesk_core::event::Event;
use paydesk_core::session::{NotifyFormat, Session};
use paydesk_core::transaction::Transaction;

/// One format of notification. A dialect knows its own words; this crate only carries them.
pub trait Words: Send + Sync + 'static {
    /// The exact body that tells of the event, as JSON; nothing if this format has nothing to tell of it.
    /// The session and its transactions, oldest first, are as they are now; what was true when it happened
    /// is in the event. Without a session, there is only the payment that the event's transaction was done to, if it
    /// was done to one.
    fn render(
        &self,
        event: &Event,
        session: Option<&Session>,
        transactions: &[Transaction],
    ) -> Option<String>;
}

/// The words of every [`NotifyFormat`] and [`EndpointFormat`]: a new format does not compile until somebody has words for it.
pub struct Vocabulary {
    /// [`NotifyFormat::XanPayCharge`].
    pub xanpay_charge: Box<dyn Words>,
    /// [`NotifyFormat::Event`] and [`EndpointFormat::Standard`].
    pub event: Box<dyn Words>,
    /// [`EndpointFormat::ModemPay`].
    pub modempay: Box<dyn Words>,
}

impl fmt::Debug for Vocabulary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vocabulary").finish_non_exhaustive()
    }
}

impl Vocabulary {
    /// The words of a format.
    #[must_use]
    pub fn of(&self, format: NotifyFormat) -> &dyn Words {
        match format {
            NotifyFormat::XanPayCharge => &*self.xanpay_charge,
            NotifyFormat::Event => &*self.event,
        }
    }

    /// The words of an endpoint's format.
    #[must_use]
    pub fn of_endpoint(&self, format: EndpointFormat) -> &dyn Words {
        match format {
            EndpointFormat::Standard => &*self.event,
            EndpointFormat::ModemPay => &*self.modempay,
        }
    }
}
