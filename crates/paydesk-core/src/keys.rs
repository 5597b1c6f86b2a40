//! The server's keys: what signs the links that payers hold and seals the secrets that the database keeps.
//!
//! A key has a version; rotation adds one and old links live on. Where many processes have the keys, a version is first
//! prepared: each learns it, and only then it signs, so that none meets a link that it does not know. Each purpose has a
//! key of its own, derived from the version's root, so that what was signed for one purpose is worth nothing for another.

mod secret;

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::ZeroizeOnDrop;

use crate::id::Ids;

pub use secret::Secret;

/// Which of the server's keys.
pub type KeyVersion = u8;

/// What a code or a seal is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Purpose {
    /// The link to a payer's page.
    PublicId = 1,
    /// A short-lived token for a browser client.
    ClientToken = 2,
    /// The secret that a browser client completes a payment with.
    ClientSecret = 3,
    /// The field in a page's forms which proves that the page was ours.
    Form = 4,
    /// Where a page of a list ended.
    Cursor = 5,
    /// What a signed-in user of a shop acts with.
    UserAccess = 6,
    /// What a signed-in user of a shop gets further tokens with.
    UserRefresh = 7,
}

impl Purpose {
    const ALL: [Self; 7] = [
        Self::PublicId,
        Self::ClientToken,
        Self::ClientSecret,
        Self::Form,
        Self::Cursor,
        Self::UserAccess,
        Self::UserRefresh,
    ];

    const fn label(self) -> &'static [u8] {
        match self {
            Self::PublicId => b"paydesk/v1/public-id",
            Self::ClientToken => b"paydesk/v1/client-token",
            Self::ClientSecret => b"paydesk/v1/client-secret",
            Self::Form => b"paydesk/v1/form",
            Self::Cursor => b"paydesk/v1/cursor",
            Self::UserAccess => b"paydesk/v1/user-access",
            Self::UserRefresh => b"paydesk/v1/user-refresh",
        }
    }
}

/// A message authentication code: HMAC-SHA-256, cut to 128 bits.
pub type Code = [u8; 16];

/// One version: 256 random bits, and what follows from them.
#[derive(ZeroizeOnDrop)]
struct ServerKey {
    #[zeroize(skip)]
    version: KeyVersion,
    root: [u8; 32],
    /// Ready to use: the key schedule is paid once, not per request.
    #[zeroize(skip)]
    macs: [Hmac<Sha256>; 7],
    #[zeroize(skip)]
    seal: XChaCha20Poly1305,
}

impl ServerKey {
    fn new(version: KeyVersion, root: [u8; 32]) -> Self {
        let derive = |label: &[u8]| -> [u8; 32] {
            let mut mac = mac_with(&root);
            mac.update(label);
            mac.finalize().into_bytes().into()
        };
        Self {
            version,
            macs: Purpose::ALL.map(|purpose| mac_with(&derive(purpose.label()))),
            seal: XChaCha20Poly1305::new(&derive(b"paydesk/v1/seal").into()),
            root,
        }
    }

    fn mac(&self, purpose: Purpose) -> Hmac<Sha256> {
        let [
            public_id,
            client_token,
            client_secret,
            form,
            cursor,
            access,
            refresh,
        ] = &self.macs;
        match purpose {
            Purpose::PublicId => public_id,
            Purpose::ClientToken => client_token,
            Purpose::ClientSecret => client_secret,
            Purpose::Form => form,
            Purpose::Cursor => cursor,
            Purpose::UserAccess => access,
            Purpose::UserRefresh => refresh,
        }
        .clone()
    }
}

fn mac_with(key: &[u8; 32]) -> Hmac<Sha256> {
    // HMAC pads a short key with zeros to its hash's block; doing it here leaves nothing that can fail.
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    Hmac::new(&block.into())
}

/// All versions of the server's keys.
pub struct ServerKeys {
    /// Oldest first; the newest signs.
    signing: Vec<ServerKey>,
    /// The one that is to sign next: it verifies and opens already.
    prepared: Option<ServerKey>,
}

/// How a line with a version begins.
const SIGNING: &str = "paydesk-key";
/// How the last line begins, where that version is prepared.
const PREPARED: &str = "paydesk-prepared-key";

impl fmt::Debug for ServerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.all().map(|key| key.version))
            .finish()
    }
}

/// Why a key text cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyTextError {
    /// No key in it.
    #[error("the key text holds no key; a line reads `paydesk-key:1:<43 characters of base64url>`")]
    Empty,
    /// A line that is no key.
    #[error(
        "line {line} of the key text is no key; a line reads `paydesk-key:1:<43 characters of base64url>`"
    )]
    NotAKey {
        /// Which line, from 1.
        line: usize,
    },
    /// Versions must grow from line to line.
    #[error(
        "line {line} of the key text repeats or lowers a version; versions grow from line to line"
    )]
    Order {
        /// Which line, from 1.
        line: usize,
    },
    /// Nothing comes after a version that is prepared.
    #[error("line {line} of the key text comes after a prepared version, which is the last")]
    AfterPrepared {
        /// Which line, from 1.
        line: usize,
    },
    /// There is a prepared version; it signs before another is prepared.
    #[error("version {0} is prepared already; `paydesk key rotate` makes it sign")]
    Prepared(KeyVersion),
    /// Every version is in use.
    #[error("all 255 key versions are in use")]
    Full,
}

impl ServerKeys {
    /// A first key.
    #[must_use]
    pub fn generate(ids: &dyn Ids) -> Self {
        let mut root = [0; 32];
        ids.fill(&mut root);
        Self {
            signing: vec![ServerKey::new(1, root)],
            prepared: None,
        }
    }

    /// The same keys and a new one, which is known but does not sign yet.
    pub fn prepared(mut self, ids: &dyn Ids) -> Result<Self, KeyTextError> {
        if let Some(key) = &self.prepared {
            return Err(KeyTextError::Prepared(key.version));
        }
        let version = self.current().checked_add(1).ok_or(KeyTextError::Full)?;
        let mut root = [0; 32];
        ids.fill(&mut root);
        self.prepared = Some(ServerKey::new(version, root));
        Ok(self)
    }

    /// The same keys, of which the prepared one signs from now on; a new one, if none is prepared.
    pub fn rotated(mut self, ids: &dyn Ids) -> Result<Self, KeyTextError> {
        if self.prepared.is_none() {
            self = self.prepared(ids)?;
        }
        self.signing.extend(self.prepared.take());
        Ok(self)
    }

    /// Reads what [`Self::to_text`] wrote. Lines may also be separated by spaces, for an environment variable.
    pub fn from_text(text: &str) -> Result<Self, KeyTextError> {
        let mut keys = Self {
            signing: Vec::new(),
            prepared: None,
        };
        for (index, line) in text.split_ascii_whitespace().enumerate() {
            let not_a_key = KeyTextError::NotAKey { line: index + 1 };
            let mut parts = line.splitn(3, ':');
            let (Some(kind), Some(version), Some(root)) =
                (parts.next(), parts.next(), parts.next())
            else {
                return Err(not_a_key);
            };
            let version: KeyVersion = version
                .parse()
                .ok()
                .filter(|v| *v > 0)
                .ok_or(not_a_key.clone())?;
            let root = BASE64URL_NOPAD
                .decode(root.as_bytes())
                .ok()
                .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
                .ok_or(not_a_key.clone())?;
            if keys.prepared.is_some() {
                return Err(KeyTextError::AfterPrepared { line: index + 1 });
            }
            let newest = keys.signing.last();
            if newest.is_some_and(|newest| newest.version >= version) {
                return Err(KeyTextError::Order { line: index + 1 });
            }
            let key = ServerKey::new(version, root);
            match kind {
                SIGNING => keys.signing.push(key),
                PREPARED => keys.prepared = Some(key),
                _ => return Err(not_a_key),
            }
        }
        if keys.signing.is_empty() {
            Err(KeyTextError::Empty)
        } else {
            Ok(keys)
        }
    }

    /// The keys themselves, to be kept in an owner-only file.
    #[must_use]
    pub fn to_text(&self) -> String {
        use std::fmt::Write as _;
        let signing = self.signing.iter().map(|key| (SIGNING, key));
        let prepared = self.prepared.iter().map(|key| (PREPARED, key));
        let mut text = String::new();
        for (kind, key) in signing.chain(prepared) {
            let (version, root) = (key.version, BASE64URL_NOPAD.encode(&key.root));
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "{kind}:{version}:{root}");
        }
        text
    }

    /// What the database may hold to tell whether a process has the right keys: a version and a
    /// fingerprint each, from which no key can be learnt. Only those that sign or have signed: what is prepared, a
    /// process may still do without.
    #[must_use]
    pub fn fingerprints(&self) -> Vec<(KeyVersion, [u8; 32])> {
        self.signing.iter().map(fingerprint).collect()
    }

    /// Whether these are the keys of a database that holds `known`; else a version that is missing or another.
    pub fn are_those_of(&self, known: &[(KeyVersion, [u8; 32])]) -> Result<(), KeyVersion> {
        let ours: Vec<_> = self.all().map(fingerprint).collect();
        match known.iter().find(|known| !ours.contains(known)) {
            Some((version, _)) => Err(*version),
            None => Ok(()),
        }
    }

    fn all(&self) -> impl Iterator<Item = &ServerKey> {
        self.signing.iter().chain(&self.prepared)
    }

    fn newest(&self) -> &ServerKey {
        #[allow(
            clippy::expect_used,
            reason = "every constructor puts at least one key in"
        )]
        self.signing.last().expect("there is a key")
    }

    fn version(&self, version: KeyVersion) -> Option<&ServerKey> {
        self.all().find(|key| key.version == version)
    }

    /// The version that is to sign next, if one is prepared.
    #[must_use]
    pub fn next(&self) -> Option<KeyVersion> {
        self.prepared.as_ref().map(|key| key.version)
    }

    /// The version that signs and seals now.
    #[must_use]
    pub fn current(&self) -> KeyVersion {
        self.newest().version
    }

    /// This version if it is still here, otherwise the current one.
    #[must_use]
    pub fn kept(&self, version: KeyVersion) -> KeyVersion {
        self.version(version)
            .map_or_else(|| self.current(), |key| key.version)
    }

    /// The code of `parts` under the current key.
    #[must_use]
    pub fn sign(&self, purpose: Purpose, parts: &[&[u8]]) -> Code {
        code(self.newest(), purpose, parts)
    }

    /// The code of `parts` under that version of the key, or under the current one if that is gone.
    #[must_use]
    pub fn sign_by(&self, version: KeyVersion, purpose: Purpose, parts: &[&[u8]]) -> Code {
        let key = self.version(version).unwrap_or_else(|| self.newest());
        code(key, purpose, parts)
    }

    /// Whether `given` is the code of `parts` under that version of the key; in constant time.
    #[must_use]
    pub fn verify(
        &self,
        version: KeyVersion,
        purpose: Purpose,
        parts: &[&[u8]],
        given: &[u8],
    ) -> bool {
        self.version(version)
            .is_some_and(|key| code(key, purpose, parts).ct_eq(given).into())
    }

    /// Seals a secret for the database. `context` (whose it is) must be given again to open it, so that a
    /// sealed secret moved to another row opens nothing.
    #[must_use]
    pub fn seal(&self, ids: &dyn Ids, context: &[u8], secret: &[u8]) -> Sealed {
        let key = self.newest();
        let mut nonce = [0; 24];
        ids.fill(&mut nonce);
        #[allow(
            clippy::expect_used,
            clippy::missing_panics_doc,
            reason = "the cipher fails only beyond 256 GiB"
        )]
        let ciphertext = key
            .seal
            .encrypt(
                &XNonce::from(nonce),
                Payload {
                    msg: secret,
                    aad: context,
                },
            )
            .expect("a short secret can be sealed");
        let mut bytes = Vec::with_capacity(1 + nonce.len() + ciphertext.len());
        bytes.push(key.version);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&ciphertext);
        Sealed(BASE64URL_NOPAD.encode(&bytes))
    }

    /// Opens what [`Self::seal`] sealed; nothing if it was changed, moved, or sealed under a key that is gone.
    #[must_use]
    pub fn open(&self, context: &[u8], sealed: &Sealed) -> Option<Secret> {
        let bytes = BASE64URL_NOPAD.decode(sealed.0.as_bytes()).ok()?;
        let (&version, rest) = bytes.split_first()?;
        let (nonce, ciphertext) = rest.split_first_chunk::<24>()?;
        let plain = self
            .version(version)?
            .seal
            .decrypt(
                &XNonce::from(*nonce),
                Payload {
                    msg: ciphertext,
                    aad: context,
                },
            )
            .ok()?;
        Some(Secret::new(String::from_utf8(plain).ok()?))
    }
}

fn fingerprint(key: &ServerKey) -> (KeyVersion, [u8; 32]) {
    let mut hash = Sha256::new();
    hash.update(b"paydesk/v1/fingerprint");
    hash.update(key.root);
    (key.version, hash.finalize().into())
}

fn code(key: &ServerKey, purpose: Purpose, parts: &[&[u8]]) -> Code {
    let mut mac = key.mac(purpose);
    for part in parts {
        mac.update(part);
    }
    let full: [u8; 32] = mac.finalize().into_bytes().into();
    let mut short = [0; 16];
    short.copy_from_slice(full.split_at(16).0);
    short
}

/// A secret as the database holds it.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Sealed(String);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::SeededIds;

    #[test]
    fn keys_are_read_as_they_are_written() {
        let ids = SeededIds::new(1);
        let keys = ServerKeys::generate(&ids).rotated(&ids).unwrap();
        let again = ServerKeys::from_text(&keys.to_text()).unwrap();
        assert_eq!(again.fingerprints(), keys.fingerprints());
        assert_eq!(again.current(), 2);
        let on_one_line = keys.to_text().replace('\n', " ");
        assert_eq!(
            ServerKeys::from_text(&on_one_line).unwrap().fingerprints(),
            keys.fingerprints()
        );
    }

    #[test]
    fn a_broken_key_text_says_which_line() {
        let good = ServerKeys::generate(&SeededIds::new(1)).to_text();
        let line = |n| KeyTextError::NotAKey { line: n };
        assert_eq!(ServerKeys::from_text("").unwrap_err(), KeyTextError::Empty);
        assert_eq!(ServerKeys::from_text("hunter2").unwrap_err(), line(1));
        assert_eq!(
            ServerKeys::from_text(&format!("{good}paydesk-key:2:short")).unwrap_err(),
            line(2)
        );
        assert_eq!(
            ServerKeys::from_text(&format!("{good}{good}")).unwrap_err(),
            KeyTextError::Order { line: 2 }
        );
        assert_eq!(
            ServerKeys::from_text(&good.replace(":1:", ":0:")).unwrap_err(),
            line(1)
        );
    }

    #[test]
    fn a_prepared_version_is_known_and_signs_once_all_know_it() {
        let ids = SeededIds::new(4);
        let read = |keys: &ServerKeys| ServerKeys::from_text(&keys.to_text()).unwrap();
        let old = ServerKeys::generate(&ids);
        let prepared = read(&old).prepared(&ids).unwrap();
        assert_eq!((prepared.current(), prepared.next()), (1, Some(2)));
        assert_eq!(prepared.fingerprints(), old.fingerprints());
        let again = read(&prepared).prepared(&ids).unwrap_err();
        assert_eq!(again, KeyTextError::Prepared(2));

        let rotated = read(&prepared).rotated(&ids).unwrap();
        assert_eq!((rotated.current(), rotated.next()), (2, None));
        let signed = rotated.sign(Purpose::PublicId, &[b"a"]);
        let sealed = rotated.seal(&ids, b"a", b"secret");
        for (keys, knows) in [(&old, false), (&prepared, true)] {
            assert_eq!(keys.verify(2, Purpose::PublicId, &[b"a"], &signed), knows);
            assert_eq!(keys.open(b"a", &sealed).is_some(), knows);
            let ours = keys.are_those_of(&rotated.fingerprints());
            assert_eq!(ours, if knows { Ok(()) } else { Err(2) });
        }
        let text = format!("{}{}", prepared.to_text(), old.to_text());
        assert_eq!(
            ServerKeys::from_text(&text).unwrap_err(),
            KeyTextError::AfterPrepared { line: 3 }
        );
    }

    #[test]
    fn a_code_counts_only_for_its_purpose_its_parts_and_its_version() {
        let ids = SeededIds::new(2);
        let old = ServerKeys::generate(&ids);
        let signed = old.sign(Purpose::PublicId, &[b"a", b"b"]);
        let keys = ServerKeys::from_text(&old.to_text())
            .unwrap()
            .rotated(&ids)
            .unwrap();
        assert!(
            keys.verify(1, Purpose::PublicId, &[b"a", b"b"], &signed),
            "an old link lives on"
        );
        assert!(!keys.verify(2, Purpose::PublicId, &[b"a", b"b"], &signed));
        assert!(!keys.verify(9, Purpose::PublicId, &[b"a", b"b"], &signed));
        assert!(!keys.verify(1, Purpose::ClientToken, &[b"a", b"b"], &signed));
        assert!(!keys.verify(1, Purpose::PublicId, &[b"a", b"c"], &signed));
        assert!(!keys.verify(1, Purpose::PublicId, &[b"a", b"b"], &signed[..8]));
    }

    #[test]
    fn a_sealed_secret_opens_only_where_it_belongs() {
        let ids = SeededIds::new(3);
        let keys = ServerKeys::generate(&ids);
        let sealed = keys.seal(&ids, b"merchant 1", b"whsec_x");
        assert_eq!(
            keys.open(b"merchant 1", &sealed).unwrap().reveal(),
            "whsec_x"
        );
        assert!(keys.open(b"merchant 2", &sealed).is_none());
        assert!(
            ServerKeys::generate(&ids)
                .open(b"merchant 1", &sealed)
                .is_none()
        );
        assert!(
            keys.open(b"merchant 1", &Sealed(sealed.0[2..].to_owned()))
                .is_none()
        );
        assert!(!format!("{:?}", Secret::new("hunter2".into())).contains("hunter2"));
    }
}
