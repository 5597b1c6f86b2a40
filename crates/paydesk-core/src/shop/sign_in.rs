//! What a signed-in user holds, and what a refresh token that comes back is good for.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::token::{TokenKind, UserToken};
use crate::directory::{Entry, EntryKind};
use crate::id::{SignInId, UserId};
use crate::tenant::Tenant;
use crate::time::{Span, Timestamp};

/// How long an access token works.
pub const ACCESS_LIFETIME: Span = Span::hours(1);
/// How long a refresh token works that nobody uses.
pub const REFRESH_LIFETIME: Span = Span::days(30);
/// How long a refresh token that was used is answered as it was the first time. The published client refreshes without
/// a lock: calls that expire together all send the same token.
pub const REFRESH_GRACE: Span = Span::seconds(30);
/// As many devices as a user is signed in on at once; the one that was signed in first is then signed out.
pub const MAX_SIGN_INS: usize = 20;
/// So many uses are remembered within one [`REFRESH_GRACE`]: no client comes near it.
const MAX_USES: usize = 100;

/// One signing in on one device: the family of tokens that came of it. They are in no database: [`UserToken`] proves
/// itself, and this record says which of them still count. Without it none does.
///
/// Refresh tokens are numbered from 1, and each is answered with the one after it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignIn {
    /// Its id.
    pub id: SignInId,
    /// Whose.
    pub tenant: Tenant,
    /// Grows by one with each change, from 1.
    pub version: u64,
    /// Who signed in.
    pub user: UserId,
    /// With which login.
    pub login: String,
    /// By which way of signing in.
    pub provider: String,
    /// The number of the newest refresh token.
    pub newest: u32,
    /// The lowest number that the user's program may have kept: that of the newest, unless its calls crossed each other.
    pub held: u32,
    /// Those that were used within the last 30 seconds, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<Use>,
    /// When the newest was handed out; wall time.
    pub renewed_at: Timestamp,
    /// When they signed in; wall time.
    pub created_at: Timestamp,
}

/// Refresh tokens that were used: all of these numbers are answered with the one after the last.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Use {
    /// From this number.
    pub first: u32,
    /// To this one.
    pub last: u32,
    /// When; wall time.
    pub at: Timestamp,
    /// Whether one of them came once more since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

impl Use {
    fn counts(&self, now: Timestamp) -> bool {
        now < self.at.after(REFRESH_GRACE)
    }

    const fn next(&self) -> u32 {
        self.last.saturating_add(1)
    }
}

/// What a refresh token that came back is good for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refresh {
    /// For the one with this number. The sign-in becomes this, if it changes.
    Answered(u32, Option<Box<SignIn>>),
    /// For nothing: it was used long ago, so somebody has it who should not. All of the family end.
    Stolen,
    /// For nothing: its time is over.
    Expired,
}

impl SignIn {
    /// When it ends if nobody refreshes it.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.renewed_at.after(REFRESH_LIFETIME)
    }

    /// What the refresh token of this number is good for at `now`: one that was used within the last 30 seconds for the
    /// same one as then, one that was used before for nothing.
    ///
    /// The published client keeps whichever answer comes last, which need not be the newest token's: while one call's
    /// answer is on its way, another may have been given the same token, and a third have used that. Only then, when a
    /// token was sent more than once and its successor is used already, does that successor count as unused beyond its
    /// 30 seconds: the client may have kept it.
    #[must_use]
    pub fn refresh(&self, number: u32, now: Timestamp) -> Refresh {
        if self.expires_at() <= now {
            return Refresh::Expired;
        }
        let mut after = self.clone();
        let next = if let Some(used) = after.used_mut(number, now) {
            used.again = true;
            let next = used.next();
            after.held = after.held.min(next);
            next
        } else if (self.held..=self.newest).contains(&number) {
            after.renew(number, now);
            after.newest
        } else {
            return Refresh::Stolen;
        };
        if after == *self {
            return Refresh::Answered(next, None);
        }
        after.version += 1;
        Refresh::Answered(next, Some(Box::new(after)))
    }

    fn used_mut(&mut self, number: u32, now: Timestamp) -> Option<&mut Use> {
        self.uses
            .iter_mut()
            .find(|used| (used.first..=used.last).contains(&number) && used.counts(now))
    }

    /// Hands out the next for a token that the program held.
    fn renew(&mut self, number: u32, now: Timestamp) {
        self.uses.retain(|used| used.counts(now));
        let newest = self.newest;
        // A call that still waits for an answer may be given what is used here.
        let crossed = |used: &Use| used.again && used.next() == number;
        let is_crossed = self.held < newest || self.uses.iter().any(crossed);
        let is_settled = self.uses.is_empty() || number < newest;
        self.uses.push(Use {
            first: if is_settled { self.held } else { newest },
            last: newest,
            at: now,
            again: false,
        });
        if self.uses.len() > MAX_USES {
            self.uses.remove(0);
        }
        self.newest = newest.saturating_add(1);
        if is_settled || !is_crossed {
            self.held = self.newest;
        }
        self.renewed_at = now;
    }

    /// A token of the family.
    #[must_use]
    pub const fn token(&self, kind: TokenKind) -> UserToken {
        UserToken {
            tenant: self.tenant,
            sign_in: self.id,
            kind,
        }
    }
}

impl Entry for SignIn {
    const KIND: EntryKind = EntryKind::SignIn;

    fn tenant(&self) -> Tenant {
        self.tenant
    }

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn group(&self) -> Option<String> {
        Some(self.user.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Ids as _, MerchantId, SeededIds};
    use crate::tenant::Mode;

    const START: Timestamp = Timestamp::from_millis(1_750_000_000_000);

    fn signed_in() -> SignIn {
        let ids = SeededIds::new(1);
        SignIn {
            id: SignInId::fresh(&ids, START),
            tenant: Tenant {
                merchant: MerchantId::fresh(&ids, START),
                mode: Mode::Test,
            },
            version: 1,
            user: UserId::fresh(&ids, START),
            login: "a@example.com".into(),
            provider: "email".into(),
            newest: 1,
            held: 1,
            uses: Vec::new(),
            renewed_at: START,
            created_at: START,
        }
    }

    const fn after(seconds: u32) -> Timestamp {
        START.after(Span::seconds(seconds))
    }

    /// Uses tokens in turn, each at a second, and says what each was good for; 0 is for nothing.
    fn used(uses: &[(u32, u32)]) -> Vec<u32> {
        let mut sign_in = signed_in();
        uses.iter()
            .map(|&(number, at)| match sign_in.refresh(number, after(at)) {
                Refresh::Answered(next, changed) => {
                    if let Some(changed) = changed {
                        assert_eq!(changed.version, sign_in.version + 1);
                        sign_in = *changed;
                    }
                    next
                }
                Refresh::Stolen => 0,
                Refresh::Expired => panic!("{number} at {at} has expired"),
            })
            .collect()
    }

    #[test]
    fn a_repeated_token_gets_the_same_successor_for_30_seconds_of_its_own() {
        assert_eq!(used(&[(1, 0), (1, 0), (1, 29), (1, 30)]), [2, 2, 2, 0]);
        // Also when its successor is used meanwhile, and that one's 30 seconds begin later.
        assert_eq!(
            used(&[(1, 0), (2, 10), (1, 29), (2, 39), (3, 40)]),
            [2, 3, 2, 3, 4]
        );
    }

    #[test]
    fn a_token_that_was_used_is_a_stolen_one_30_seconds_later() {
        for (uses, stolen) in [
            (vec![(1, 0)], (1, 30)),
            (vec![(1, 0), (2, 1), (3, 2)], (1, 31)),
            (vec![(1, 0), (2, 1), (3, 2)], (2, 31)),
            // Sent twice, but its successor was used only when all was settled.
            (vec![(1, 0), (1, 1), (2, 3600)], (2, 3630)),
            (vec![(1, 0), (1, 1), (2, 3600)], (1, 3600)),
            // Its predecessor was not the one that was sent twice.
            (vec![(1, 0), (1, 1), (2, 2), (3, 3600)], (3, 3630)),
            // Never handed out.
            (vec![(1, 0)], (3, 1)),
            (vec![], (u32::MAX, 0)),
        ] {
            let all: Vec<_> = uses.iter().copied().chain([stolen]).collect();
            let answers = used(&all);
            let (last, before) = answers.split_last().unwrap();
            assert!(!before.contains(&0), "{uses:?}: {before:?}");
            assert_eq!(*last, 0, "{stolen:?} after {uses:?}");
        }
    }

    #[test]
    fn a_token_that_crossed_another_call_counts_once_more() {
        // 2 is used while a second answer to 1 is on its way, or before 1 comes again: the client may keep 2.
        for crossing in [[(1, 0), (1, 1), (2, 2)], [(1, 0), (2, 1), (1, 2)]] {
            let mut uses = crossing.to_vec();
            uses.extend([(2, 3600), (3, 3601), (2, 3602), (4, 3603)]);
            let answers = used(&uses);
            assert_eq!(answers.get(3..).unwrap(), [4, 4, 4, 5], "{crossing:?}");
            uses.push((2, 3632));
            assert_eq!(used(&uses).last(), Some(&0));
        }
    }

    #[test]
    fn a_client_without_a_lock_is_never_taken_for_a_thief() {
        let ids = SeededIds::new(7);
        let random = |below: u16| {
            let mut bytes = [0; 2];
            ids.fill(&mut bytes);
            u16::from_le_bytes(bytes) % below
        };
        for _ in 0..300 {
            let (mut sign_in, mut kept) = (signed_in(), 1);
            for wave in 1..6 {
                // Each call meets 401, sends the token that is kept at that moment, and keeps the answer.
                // (when, what happens: a call sends; its request arrives with a token; its answer, too)
                let mut ahead: Vec<(u16, u8, u32)> =
                    (0..random(12) + 2).map(|_| (random(5_000), 0, 0)).collect();
                while !ahead.is_empty() {
                    let first = ahead.iter().enumerate().min_by_key(|(_, it)| **it);
                    let (at, step, number) = ahead.swap_remove(first.unwrap().0);
                    let now = after(wave * 3600).after(Span::millis(u32::from(at)));
                    let on_its_way = |step, number| (at + 1 + random(10_000), step, number);
                    match step {
                        0 => ahead.push(on_its_way(1, kept)),
                        1 => match sign_in.refresh(number, now) {
                            Refresh::Answered(next, changed) => {
                                sign_in = changed.map_or(sign_in, |changed| *changed);
                                ahead.push(on_its_way(2, next));
                            }
                            lost => panic!("{number} is {lost:?} to {sign_in:?}"),
                        },
                        _ => kept = number,
                    }
                }
            }
        }
    }

    #[test]
    fn an_unused_family_ends_after_30_days() {
        let ends = START.after(REFRESH_LIFETIME);
        assert_eq!(signed_in().refresh(1, ends), Refresh::Expired);
        let Refresh::Answered(2, Some(second)) = signed_in().refresh(1, after(60)) else {
            panic!("the first is good for the second");
        };
        assert!(matches!(second.refresh(2, ends), Refresh::Answered(3, _)));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut sign_in = signed_in();
        for number in 1..=1_000 {
            match sign_in.refresh(number, START) {
                Refresh::Answered(_, Some(after)) => sign_in = *after,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(sign_in.uses.len(), MAX_USES);
    }
}
