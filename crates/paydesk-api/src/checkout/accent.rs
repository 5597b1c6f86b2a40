//! A merchant's own colour on its page, made readable: as a style sheet of a few variables, named by the colour.
//!
//! Merchants choose colours for their shops, not for text on white. So the colour is moved towards black, or in the dark
//! towards white, until text in it can be read on the page's grounds (WCAG 2.2, 1.4.3: 4.5 to 1), and what is written
//! on it is black or white, whichever can be read better.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;

use super::assets;

/// Least contrast of text. Source: WCAG 2.2, success criterion 1.4.3.
const READABLE: f64 = 4.5;
/// The lightest and the darkest ground that text stands on, as `checkout.css` has them.
const LIGHT: Colour = Colour([0xf4, 0xf6, 0xf8]);
const DARK: Colour = Colour([0x1f, 0x24, 0x2d]);
const WHITE: Colour = Colour([0xff; 3]);
const BLACK: Colour = Colour([0; 3]);

/// A colour of sRGB.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Colour([u8; 3]);

impl Colour {
    /// Reads six hexadecimal digits, perhaps after a `#`.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').unwrap_or(text);
        if digits.len() != 6 {
            return None;
        }
        let bytes = data_encoding::HEXLOWER_PERMISSIVE
            .decode(digits.as_bytes())
            .ok()?;
        bytes.try_into().ok().map(Self)
    }

    fn hex(self) -> String {
        data_encoding::HEXLOWER.encode(&self.0)
    }

    /// Relative luminance. Source: WCAG 2.2, definitions.
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// Contrast ratio, from 1 to 21. Source: WCAG 2.2, definitions.
    fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.luminance(), other.luminance());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// So many hundredths of the way to another.
    fn towards(self, other: Self, hundredths: u16) -> Self {
        let mut mixed = self.0;
        for (part, to) in mixed.iter_mut().zip(other.0) {
            let sum = u16::from(*part) * (100 - hundredths) + u16::from(to) * hundredths;
            // Never above 255: a mean of two bytes.
            *part = u8::try_from(sum / 100).unwrap_or(u8::MAX);
        }
        Self(mixed)
    }

    /// The nearest on the way to `end` that can be read on this ground.
    fn readable(self, ground: Self, end: Self) -> Self {
        (0..=100)
            .map(|hundredths| self.towards(end, hundredths))
            .find(|colour| colour.contrast(ground) >= READABLE)
            .unwrap_or(end)
    }

    /// What is written on it.
    fn ink(self) -> Self {
        if self.contrast(WHITE) >= self.contrast(BLACK) {
            WHITE
        } else {
            BLACK
        }
    }

    /// The path of its style sheet, below that of the public URL.
    #[must_use]
    pub fn path(self) -> String {
        format!("/pay/accent/{}.css", self.hex())
    }

    /// Its style sheet.
    #[must_use]
    pub fn style(self) -> String {
        let variables = |accent: Self, ground: Self, share| {
            format!(
                "--accent:#{};--accent-ink:#{};--accent-soft:#{}",
                accent.hex(),
                accent.ink().hex(),
                ground.towards(accent, share).hex()
            )
        };
        let light = variables(self.readable(LIGHT, BLACK), WHITE, 8);
        let dark = variables(self.readable(DARK, WHITE), DARK, 12);
        format!(":root{{{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n")
    }

    /// The headers that its style sheet is served with.
    #[must_use]
    pub fn headers() -> HeaderMap {
        assets::STYLE.headers()
    }
}

/// Serves the style sheet of a colour. It says nothing of any merchant: the colour is in its name.
pub async fn handle(path: Result<Path<String>, PathRejection>) -> Response {
    let colour = path.ok().and_then(|Path(name)| {
        let hex = name.strip_suffix(".css")?;
        Colour::from_hex(hex).filter(|colour| colour.hex() == hex)
    });
    match colour {
        Some(colour) => (Colour::headers(), colour.style()).into_response(),
        None => assets::no_such_file(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_colour_a_shop_has_its_page_can_be_read() {
        for red in (0..=255).step_by(17) {
            for green in (0..=255).step_by(17) {
                for blue in (0..=255).step_by(17) {
                    let colour = Colour([red, green, blue]);
                    for (ground, end) in [(LIGHT, BLACK), (DARK, WHITE)] {
                        let accent = colour.readable(ground, end);
                        assert!(accent.contrast(ground) >= READABLE, "{colour:?}");
                        assert!(accent.contrast(accent.ink()) >= READABLE, "{colour:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_colour_that_can_be_read_stays_as_it_is() {
        let blue = Colour::from_hex("#1d4fd7").unwrap();
        assert_eq!(blue.readable(LIGHT, BLACK), blue);
        assert!(
            blue.style()
                .starts_with(":root{--accent:#1d4fd7;--accent-ink:#ffffff;")
        );
        // By the standard's own examples.
        assert!((BLACK.contrast(WHITE) - 21.0).abs() < 1e-9);
        assert!((Colour([0x77; 3]).contrast(WHITE) - 4.48).abs() < 0.01);
    }

    #[test]
    fn what_is_no_colour_has_no_style_sheet() {
        for text in ["", "#12345", "1234567", "12345g", "red"] {
            assert_eq!(Colour::from_hex(text), None, "{text}");
        }
    }
}
