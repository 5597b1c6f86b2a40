//! QR codes as pictures.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

/// The empty margin that a reader needs on every side, in modules (ISO/IEC 18004).
const QUIET_ZONE: usize = 4;

/// The text is longer than any QR code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text is longer than a QR code can hold")]
pub struct TooLong;

/// A QR code of the text as a self-contained SVG picture for a page: dark on white in every theme, error
/// correction M, one unit per module, no size of its own, no styles (a strict content security policy would
/// drop them), nothing from elsewhere.
///
/// All modules are one path, a stroke per run, which keeps a payment code at about four kilobytes.
pub fn qr_svg(text: &str) -> Result<String, TooLong> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(|_| TooLong)?;
    let side = code.width() + 2 * QUIET_ZONE;
    let mut path = String::new();
    for (row, modules) in code.to_colors().chunks(code.width()).enumerate() {
        // Where the pen is; the first run of a row places it.
        let mut pen = None;
        let mut column = 0;
        for run in modules.chunk_by(|one, next| one == next) {
            if run.first() == Some(&Color::Dark) {
                // Writing into a String cannot fail.
                let _ = match pen {
                    None => write!(path, "M{} {}.5", column + QUIET_ZONE, row + QUIET_ZONE),
                    Some(at) => write!(path, "m{} 0", column - at),
                };
                let _ = write!(path, "h{}", run.len());
                pen = Some(column + run.len());
            }
            column += run.len();
        }
    }
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
         <rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/><path stroke=\"#000\" d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The dark modules of a picture, read back from its path.
    fn dark(svg: &str) -> Vec<(usize, usize)> {
        let path = svg.split("d=\"").nth(1).unwrap().split('"').next().unwrap();
        let (mut x, mut y, mut modules) = (0, 0, Vec::new());
        // Each step is a letter, where only `M` has its row, and how far.
        for step in path
            .split_inclusive(['M', 'm', 'h'])
            .collect::<Vec<_>>()
            .windows(2)
        {
            let numbers = step[1].trim_end_matches(['M', 'm', 'h']);
            let numbers: Vec<usize> = numbers
                .split([' ', '.'])
                .map(|n| n.parse().unwrap())
                .collect();
            match step[0].chars().last().unwrap() {
                'M' => (x, y) = (numbers[0], numbers[1]),
                'm' => x += numbers[0],
                _ => {
                    modules.extend((x..x + numbers[0]).map(|x| (x, y)));
                    x += numbers[0];
                }
            }
        }
        modules
    }

    #[test]
    fn the_picture_shows_every_dark_module_and_a_quiet_zone() {
        for text in [
            "x",
            "00020101021126380009SG.PAYNOW010100211+6585867834",
            &"long".repeat(400),
        ] {
            let code = QrCode::with_error_correction_level(text, EcLevel::M).unwrap();
            let expected: Vec<(usize, usize)> = (0..code.width())
                .flat_map(|y| (0..code.width()).map(move |x| (x, y)))
                .filter(|at| code[*at] == Color::Dark)
                .map(|(x, y)| (x + 4, y + 4))
                .collect();
            let svg = qr_svg(text).unwrap();
            assert_eq!(dark(&svg), expected);
            let side = code.width() + 8;
            assert!(svg.contains(&format!("viewBox=\"0 0 {side} {side}\"")));
        }
    }

    #[test]
    fn a_payment_code_is_small_and_refers_to_nothing() {
        let svg = qr_svg(
            "00020101021226580009SG.PAYNOW010100211+6585867834030100414202206250030005204000053037025405\
                          35.005802SG5902NA6009Singapore62140110ABCDEFGHIJ6304CE6D",
        )
        .unwrap();
        assert!(svg.len() < 4_500, "{} bytes", svg.len());
        assert_eq!(svg.matches("<path").count(), 1);
        assert!(!svg.contains("href") && !svg.contains("style") && !svg.contains("<script"));
    }

    #[test]
    fn what_no_code_can_hold_is_refused() {
        assert_eq!(qr_svg(&"x".repeat(3_000)), Err(TooLong));
    }
}
