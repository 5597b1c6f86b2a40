//! A merchant's logo, as a data URL: payers' pages load nothing from elsewhere, so the picture itself is kept.

use data_encoding::BASE64;

/// The largest picture, in bytes. What payers wait for should be small.
pub const MAX_BYTES: usize = 24 * 1024;

/// A picture that browsers show and cannot run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Logo {
    /// Its media type.
    pub media_type: &'static str,
    /// The picture.
    pub bytes: Vec<u8>,
}

/// Why a text is no logo.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadLogo {
    /// Not a data URL of one of the types.
    #[error("is not a data URL such as data:image/png;base64,iVBORw0KGgo… (PNG, JPEG or WebP)")]
    NotADataUrl,
    /// Longer than [`MAX_BYTES`].
    #[error("is larger than 24 KiB")]
    TooLarge,
    /// What it holds is not what it says.
    #[error("does not hold the kind of picture that it says")]
    OtherContent,
}

/// The types, and what each begins with. No SVG: it can hold scripts.
type Begins = fn(&[u8]) -> bool;
const TYPES: [(&str, Begins); 3] = [
    ("image/png", |bytes| bytes.starts_with(b"\x89PNG\r\n\x1a\n")),
    ("image/jpeg", |bytes| bytes.starts_with(b"\xff\xd8\xff")),
    ("image/webp", |bytes| {
        bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP")
    }),
];

impl Logo {
    /// Reads a data URL.
    pub fn from_data_url(text: &str) -> Result<Self, BadLogo> {
        let rest = text.strip_prefix("data:").ok_or(BadLogo::NotADataUrl)?;
        let (media_type, encoded) = rest.split_once(";base64,").ok_or(BadLogo::NotADataUrl)?;
        let (media_type, begins) = TYPES
            .into_iter()
            .find(|(known, _)| *known == media_type)
            .ok_or(BadLogo::NotADataUrl)?;
        // Before anything is decoded: four characters are three bytes.
        if encoded.len() / 4 > MAX_BYTES / 3 + 1 {
            return Err(BadLogo::TooLarge);
        }
        let bytes = BASE64
            .decode(encoded.as_bytes())
            .map_err(|_| BadLogo::NotADataUrl)?;
        if bytes.len() > MAX_BYTES {
            return Err(BadLogo::TooLarge);
        }
        if !begins(&bytes) {
            return Err(BadLogo::OtherContent);
        }
        Ok(Self { media_type, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(media_type: &str, bytes: &[u8]) -> String {
        format!("data:{media_type};base64,{}", BASE64.encode(bytes))
    }

    #[test]
    fn a_picture_is_read_and_what_is_none_is_refused() {
        let png = b"\x89PNG\r\n\x1a\n and so on";
        let logo = Logo::from_data_url(&url("image/png", png)).unwrap();
        assert_eq!((logo.media_type, &logo.bytes[..]), ("image/png", &png[..]));
        let mut large = png.to_vec();
        large.resize(MAX_BYTES + 1, 0);
        for (text, why) in [
            (url("image/png", b"<svg>"), BadLogo::OtherContent),
            (url("image/webp", png), BadLogo::OtherContent),
            (url("image/svg+xml", b"<svg>"), BadLogo::NotADataUrl),
            (url("text/html", png), BadLogo::NotADataUrl),
            ("data:image/png;base64,*".to_owned(), BadLogo::NotADataUrl),
            ("https://example.com/a.png".to_owned(), BadLogo::NotADataUrl),
            (String::new(), BadLogo::NotADataUrl),
            (url("image/png", &large), BadLogo::TooLarge),
        ] {
            assert_eq!(Logo::from_data_url(&text), Err(why), "{text:.40}");
        }
        large.truncate(MAX_BYTES);
        assert!(Logo::from_data_url(&url("image/png", &large)).is_ok());
    }
}
