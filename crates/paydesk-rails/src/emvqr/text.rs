//! Names as a code may carry them: printable ASCII, and not for long.

/// What stands where a name has nothing that can be written: what `XanPay` writes there.
const NO_NAME: &str = "NA";

/// The name in printable ASCII (EMVCo's "ans"), at most `longest` characters, never empty.
///
/// EMVCo has a language template for other scripts (64), which the banks of these schemes ignore; a name that is
/// spelled approximately tells the payer more than one that is left out, so it is transliterated.
pub fn fold(name: &str, longest: usize) -> String {
    // A line break separates words, which the transliteration would run together.
    let spaced = name.replace(|c: char| c.is_whitespace() || c.is_control(), " ");
    let latin = deunicode::deunicode_with_tofu(&spaced, " ");
    let mut folded = String::with_capacity(longest);
    for word in latin
        .split(|c: char| !c.is_ascii_graphic())
        .filter(|word| !word.is_empty())
    {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    folded.truncate(longest);
    folded.truncate(folded.trim_end().len());
    if folded.is_empty() {
        NO_NAME.to_owned()
    } else {
        folded
    }
}

/// Whether the text can be written as it is: printable ASCII.
pub fn is_printable_ascii(text: &str) -> bool {
    text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_stay_readable() {
        for (name, folded) in [
            ("DN", "DN"),
            ("  Café  Müller\n& Søn ", "Cafe Muller & Son"),
            ("北京烤鸭", "Bei Jing Kao Ya"),
            (
                "A name that is longer than any code allows",
                "A name that is longer tha",
            ),
            ("Twenty-four characters..  x", "Twenty-four characters.."),
            ("", "NA"),
            ("\u{200b}\u{e000}", "NA"),
        ] {
            assert_eq!(fold(name, 25), folded);
        }
    }

    proptest! {
        #[test]
        fn every_name_fits(name in any::<String>(), longest in 2_usize..=25) {
            let folded = fold(&name, longest);
            prop_assert!((1..=longest).contains(&folded.len()));
            prop_assert!(is_printable_ascii(&folded));
            prop_assert_eq!(folded.trim(), &folded);
        }
    }
}
