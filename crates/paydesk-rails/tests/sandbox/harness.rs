//! A sandbox with one merchant, and the shortest ways to ask it for something.

use std::path::PathBuf;
use std::sync::Arc;

use paydesk_core::id::{Ids as _, MerchantId, ProviderAccountId, SystemIds, TransactionId};
use paydesk_core::keys::Secret;
use paydesk_core::merchant::{Provider, ProviderAccount};
use paydesk_core::method::Method;
use paydesk_core::money::{Currency, Money};
use paydesk_core::payment_method::{Card, StoredCard};
use paydesk_core::rail::{FollowUp, Operation, RailAnswer, Receipt, Source, Start, Waiting};
use paydesk_core::tenant::{Mode, Tenant};
use paydesk_core::time::{ManualClock, Span, Timestamp};
use paydesk_rails::sandbox::{Charge, Ledger, SandboxBank, SandboxClient, SandboxRail, router};

pub const PAGES: &str = "https://pay.example";
const TOKEN: &str = "a token of the sandbox";

/// 2026-01-15T00:00:00Z.
pub const NOW: Timestamp = Timestamp::from_millis(1_768_435_200_000);

pub struct Sandbox {
    /// What is tested.
    pub bank: Arc<dyn SandboxBank>,
    /// What is really in the books.
    pub ledger: Ledger,
    pub account: Arc<ProviderAccount>,
    pub clock: Arc<ManualClock>,
    pub url: Option<String>,
    directory: tempfile::TempDir,
}

pub fn fresh() -> TransactionId {
    TransactionId(SystemIds.uuid(NOW))
}

pub fn money(minor: i64, code: &str) -> Money {
    Money::from_minor(minor, Currency::from_code(code).unwrap()).unwrap()
}

pub fn card(number: &str) -> Source {
    Source::Card(Card {
        number: number.replace(' ', ""),
        exp_month: 12,
        exp_year: 2030,
        cvc: "971".to_owned(),
        name: Some("Eve".to_owned()),
    })
}

pub fn push(nonce: &str) -> Source {
    Source::Push {
        nonce: nonce.to_owned(),
        expires_at: NOW.after(Span::hours(1)),
    }
}

pub fn account_of(merchant: MerchantId, mode: Mode) -> Arc<ProviderAccount> {
    Arc::new(ProviderAccount {
        id: ProviderAccountId(SystemIds.uuid(NOW)),
        tenant: Tenant { merchant, mode },
        version: 1,
        provider: Provider::Sandbox,
        name: "Sandbox".to_owned(),
        enabled: true,
        is_default: false,
        methods: Method::ALL.to_vec(),
        receives: Vec::new(),
        created_at: NOW,
        updated_at: NOW,
    })
}

impl Sandbox {
    pub fn in_process() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::starting_at(NOW));
        let ledger = open(&directory, &clock);
        Self {
            bank: Arc::new(SandboxRail::new(ledger.clone(), PAGES)),
            ledger,
            account: account_of(MerchantId(SystemIds.uuid(NOW)), Mode::Test),
            clock,
            url: None,
            directory,
        }
    }

    pub async fn over_a_socket() -> Self {
        let sandbox = Self::in_process();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = router(sandbox.ledger.clone(), Some(Secret::new(TOKEN.to_owned())));
        // Ends with the test's runtime.
        tokio::spawn(axum::serve(listener, service).into_future());
        let client = SandboxClient::new(&url, Some(Secret::new(TOKEN.to_owned())), PAGES).unwrap();
        Self {
            bank: Arc::new(client),
            url: Some(url),
            ..sandbox
        }
    }

    /// The same file, opened again, as after a restart.
    pub fn restarted(self) -> Self {
        let Self {
            account,
            clock,
            directory,
            ..
        } = self;
        let ledger = open(&directory, &clock);
        Self {
            bank: Arc::new(SandboxRail::new(ledger.clone(), PAGES)),
            ledger,
            account,
            clock,
            url: None,
            directory,
        }
    }

    /// The ledger's file.
    pub fn path(&self) -> PathBuf {
        path(&self.directory)
    }

    /// Everything that is on disk.
    pub fn bytes(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.directory.path()).unwrap();
        files
            .flat_map(|file| std::fs::read(file.unwrap().path()).unwrap())
            .collect()
    }

    pub fn start(
        &self,
        reference: TransactionId,
        method: Method,
        amount: Money,
        source: Source,
    ) -> Start {
        Start {
            reference,
            tenant: self.account.tenant,
            account: Arc::clone(&self.account),
            operation: Operation::Pay,
            amount,
            method,
            source,
            store: false,
            merchant_name: "Kopi & Co".to_owned(),
            return_url: "https://shop.example/thanks".to_owned(),
        }
    }

    /// 35.00 SGD by this card.
    pub fn by_card(&self, reference: TransactionId, number: &str) -> Start {
        self.start(reference, Method::Card, money(3500, "SGD"), card(number))
    }

    /// 35.00 SGD by a stored card.
    pub fn by_stored(&self, reference: TransactionId, stored: StoredCard) -> Start {
        self.start(
            reference,
            Method::Card,
            money(3500, "SGD"),
            Source::Stored(stored),
        )
    }

    /// 35.00 SGD by `PayNow`.
    pub fn by_paynow(&self, reference: TransactionId, nonce: &str) -> Start {
        self.start(reference, Method::PayNow, money(3500, "SGD"), push(nonce))
    }

    pub async fn pay(&self, number: &str) -> (TransactionId, RailAnswer) {
        let reference = fresh();
        (
            reference,
            self.bank.start(self.by_card(reference, number)).await,
        )
    }

    pub fn after(&self, original: TransactionId, amount: Money) -> FollowUp {
        FollowUp {
            reference: fresh(),
            original,
            original_provider_reference: None,
            tenant: self.account.tenant,
            account: self.account.id,
            method: Method::Card,
            amount,
            placed: 0,
        }
    }

    pub async fn charge(&self, reference: TransactionId) -> Option<Charge> {
        self.ledger.charge(reference).await.unwrap()
    }

    /// What was really taken under a reference, in minor units.
    pub async fn captured(&self, reference: TransactionId) -> i64 {
        self.charge(reference)
            .await
            .map_or(0, |charge| charge.captured)
    }
}

fn open(directory: &tempfile::TempDir, clock: &Arc<ManualClock>) -> Ledger {
    let clock = Arc::clone(clock);
    Ledger::open(&path(directory), clock, Arc::new(SystemIds)).unwrap()
}

fn path(directory: &tempfile::TempDir) -> PathBuf {
    directory.path().join("sandbox.db")
}

pub fn receipt(answer: RailAnswer) -> Receipt {
    match answer {
        RailAnswer::Succeeded(receipt) => receipt,
        other => panic!("not succeeded: {other:?}"),
    }
}

pub fn waiting(answer: RailAnswer) -> Waiting {
    match answer {
        RailAnswer::AwaitingPayer(waiting) => waiting,
        other => panic!("not waiting: {other:?}"),
    }
}

/// The token at the end of the page's address.
pub fn token(waiting: &Waiting) -> String {
    waiting
        .redirect_url
        .as_ref()
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned()
}
