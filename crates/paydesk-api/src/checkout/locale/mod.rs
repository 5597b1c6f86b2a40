//! The payer's language: which one, its texts, and how it writes amounts and dates.

mod amount_input;
mod date;
mod money;
mod texts;

pub use amount_input::read_amount;
pub use date::{date, iso};
pub use money::{decimal, money};
pub use texts::{Phrase, Texts};

macro_rules! languages {
    ($($(#[$doc:meta])* $variant:ident = $tag:literal;)*) => {
        /// A language that the page speaks.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Language {
            $($(#[$doc])* $variant,)*
        }

        impl Language {
            /// All of them, in the order in which the page offers them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its BCP 47 tag.
            #[must_use]
            pub const fn tag(self) -> &'static str {
                match self { $(Self::$variant => $tag,)* }
            }
        }
    };
}

languages! {
    /// English, also where nothing better is known.
    English = "en";
    /// Simplified Chinese.
    SimplifiedChinese = "zh-Hans";
    /// Traditional Chinese.
    TraditionalChinese = "zh-Hant";
    /// Thai.
    Thai = "th";
    /// Malay.
    Malay = "ms";
    /// Vietnamese.
    Vietnamese = "vi";
    /// Korean.
    Korean = "ko";
    /// Indonesian.
    Indonesian = "id";
    /// Hindi.
    Hindi = "hi";
    /// French.
    French = "fr";
    /// Arabic.
    Arabic = "ar";
    /// Spanish.
    Spanish = "es";
}

impl Language {
    /// Whether it is written from right to left.
    #[must_use]
    pub const fn is_right_to_left(self) -> bool {
        matches!(self, Self::Arabic)
    }

    /// The value of `dir`.
    #[must_use]
    pub const fn direction(self) -> &'static str {
        if self.is_right_to_left() {
            "rtl"
        } else {
            "ltr"
        }
    }

    /// Its texts.
    #[must_use]
    pub fn texts(self) -> &'static Texts {
        Texts::of(self)
    }

    /// The language that a tag asks for, if the page speaks it: `fr-CA` is French, `zh-HK` is traditional
    /// Chinese.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let tag = tag.trim().to_ascii_lowercase().replace('_', "-");
        let mut subtags = tag.split('-');
        let primary = match subtags.next()? {
            // Indonesian had this code until 1989, and some systems still send it.
            "in" => "id",
            "zh" => {
                let traditional =
                    subtags.any(|subtag| matches!(subtag, "hant" | "tw" | "hk" | "mo"));
                return Some(if traditional && !tag.contains("hans") {
                    Self::TraditionalChinese
                } else {
                    Self::SimplifiedChinese
                });
            }
            primary => primary,
        };
        Self::ALL
            .iter()
            .copied()
            .find(|language| language.tag() == primary)
    }

    /// The payer's: what they chose, else what the merchant knows of them, else what their browser says.
    #[must_use]
    pub fn negotiate(chosen: Option<&str>, merchants: Option<&str>, accepted: &str) -> Self {
        chosen
            .and_then(Self::from_tag)
            .or_else(|| merchants.and_then(Self::from_tag))
            .or_else(|| Self::best_accepted(accepted))
            .unwrap_or(Self::English)
    }

    /// The first that the page speaks of an `Accept-Language` header, best first.
    fn best_accepted(header: &str) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        // No browser sends more than a handful; who sends thousands is not read to the end.
        for entry in header.split(',').take(20) {
            let mut parts = entry.split(';');
            let Some(language) = parts.next().and_then(Self::from_tag) else {
                continue;
            };
            let weight = parts
                .find_map(|part| part.trim().strip_prefix("q="))
                .map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
            if weight > 0.0 && best.is_none_or(|(heaviest, _)| weight > heaviest) {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    }
}

#[cfg(test)]
mod tests;
