//! Countries and currencies as the schema has them: each code of the standards is an enum value of its own.

use async_graphql::Enum;

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident as $wire:literal: $($code:ident)*) => {
        $(#[$doc])*
        #[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
        #[graphql(name = $wire, rename_items = "UPPERCASE")]
        #[allow(missing_docs, clippy::upper_case_acronyms, reason = "codes speak for themselves")]
        pub enum $name { $($code,)* }

        impl $name {
            /// The code as the standard writes it.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$code => stringify!($code),)* }
            }

            /// The value of a code.
            #[must_use]
            pub fn from_code(code: &str) -> Option<Self> {
                match code {
                    $(stringify!($code) => Some(Self::$code),)*
                    _ => None,
                }
            }
        }
    };
}

codes! {
    /// ISO 3166-1 alpha-2.
    Country as "COUNTRY_ISO_2":
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS
    BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE
    EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM
    HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC
    LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA
    NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
    SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO
    TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
}

codes! {
    /// ISO 4217, those in which nobody can pay (gold, test codes) included: they are refused by what reads them.
    CurrencyCode as "CURRENCY":
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD
    CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP
    GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR
    KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV
    MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG
    SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN
    UYI UYU UYW UZS VED VES VND VUV WST XAD XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU
    XTS XUA XXX YER ZAR ZMW ZWG ZWL
}

impl From<paydesk_core::money::Currency> for CurrencyCode {
    fn from(currency: paydesk_core::money::Currency) -> Self {
        // A test holds the list against the library that the currencies come from.
        Self::from_code(currency.code()).unwrap_or(Self::XXX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_of(letters: u32) -> impl Iterator<Item = String> {
        (0..26_u32.pow(letters)).map(move |mut number| {
            let mut code = String::new();
            for _ in 0..letters {
                code.push(char::from(b'A' + u8::try_from(number % 26).unwrap()));
                number /= 26;
            }
            code
        })
    }

    #[test]
    fn every_currency_of_the_standard_is_a_value_and_no_other() {
        for code in all_of(3) {
            let known = iso_currency::Currency::from_code(&code).is_some();
            assert_eq!(CurrencyCode::from_code(&code).is_some(), known, "{code}");
        }
    }

    #[test]
    fn every_country_of_the_standard_is_a_value_and_no_other() {
        for code in all_of(2) {
            let known = rust_iso3166::from_alpha2(&code).is_some();
            assert_eq!(Country::from_code(&code).is_some(), known, "{code}");
        }
    }
}
