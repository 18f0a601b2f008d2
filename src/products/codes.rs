//! The codes of a product, as scanners read them from the goods.

use crate::scan::gtin::has_wrong_check_digit;
use serde::{Deserialize, Serialize};

/// The most codes of a product.
pub const MAX_CODES: usize = 20;

/// The codes of a product as they were entered, separated by single spaces. A longer code, as on marked goods, was
/// replaced by the GTIN in it. No two of the codes have the same normal form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(diesel::AsExpression, diesel::FromSqlRow))]
#[cfg_attr(feature = "ssr", diesel(sql_type = diesel::sql_types::Text))]
pub struct Codes(String);

impl Codes {
    /// Returns the codes, in the order in which they were entered.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split_ascii_whitespace()
    }

    /// Returns whether there is no code.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the codes one a line, as a form shows them.
    pub fn lines(&self) -> String {
        self.0.replace(' ', "\n")
    }

    /// Returns the codes whose check digit is wrong, separated by commas; `None` if there is none.
    pub fn wrong_check_digits(&self) -> Option<String> {
        let wrong: Vec<_> = self
            .iter()
            .filter(|code| has_wrong_check_digit(code))
            .collect();
        (!wrong.is_empty()).then(|| wrong.join(", "))
    }
}

/// The codes, separated by spaces.
impl std::fmt::Display for Codes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(feature = "ssr")]
mod reading {
    use crate::{
        error::Problem,
        products::codes::{Codes, MAX_CODES},
        scan::{
            gtin::{has_wrong_check_digit, is_gtin, normal_form},
            reading::{Reading, code_in, read},
        },
    };
    use diesel::{
        backend::Backend,
        deserialize::{self, FromSql},
        serialize::{self, Output, ToSql},
        sql_types::Text,
    };

    impl Codes {
        /// Reads the codes on lines, each as a scan of it is read, so that scans find it. Empty lines and repeated
        /// codes are left out.
        pub fn read(text: &str) -> Result<Self, Problem> {
            let mut codes: Vec<&str> = Vec::new();
            let mut known: Vec<String> = Vec::new();
            for (number, line) in (1..).zip(text.lines()) {
                for entered in split(line) {
                    if is_rounded(entered) {
                        return Err(Problem::RoundedCode(number));
                    }
                    match read(entered) {
                        Some(Reading::Code(_)) => {}
                        Some(Reading::Product(_) | Reading::Slip(_)) => {
                            return Err(Problem::OwnCode(number));
                        }
                        None => return Err(Problem::NotCode(number)),
                    }
                    let code = code_in(entered).unwrap_or(entered);
                    let normal = normal_form(code);
                    if !known.contains(&normal) {
                        codes.push(code);
                        known.push(normal);
                    }
                }
            }
            if codes.len() > MAX_CODES {
                return Err(Problem::TooManyItems(MAX_CODES));
            }
            Ok(Self(codes.join(" ")))
        }

        /// Returns the normal forms, by which the product is found.
        pub fn normal_forms(&self) -> Vec<String> {
            self.iter().map(normal_form).collect()
        }
    }

    /// Returns the codes on a line, which commas and semicolons separate. Both can also be in the serial number behind
    /// the GTIN of a GS1 code. There they separate only if a space or another GTIN follows.
    fn split(line: &str) -> Vec<&str> {
        let mut codes = Vec::new();
        let mut is_in_gs1 = false;
        for part in line.split([',', ';']) {
            let entered = part.trim();
            let gtin = code_in(entered).filter(|code| is_gtin(code));
            let is_serial =
                is_in_gs1 && !part.starts_with(' ') && gtin.is_none_or(has_wrong_check_digit);
            if entered.is_empty() || is_serial {
                continue;
            }
            is_in_gs1 = gtin.is_some_and(|gtin| !entered.ends_with(gtin));
            codes.push(entered);
        }
        codes
    }

    /// Returns whether a spreadsheet has rounded a barcode to a number such as `4.6E+12`. Of `4,6E+12`, this is asked
    /// for the part behind the comma.
    fn is_rounded(code: &str) -> bool {
        let is_number =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let Some((mantissa, exponent)) = code.split_once(['e', 'E']) else {
            return false;
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
        is_number(whole) && is_number(fraction) && exponent.strip_prefix('+').is_some_and(is_number)
    }

    impl<DB: Backend> ToSql<Text, DB> for Codes
    where
        str: ToSql<Text, DB>,
    {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
            <str as ToSql<Text, DB>>::to_sql(&self.0, out)
        }
    }

    impl<DB: Backend> FromSql<Text, DB> for Codes
    where
        String: FromSql<Text, DB>,
    {
        fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
            String::from_sql(bytes).map(Self)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        error::Problem,
        scan::{
            own::own_code_of_product,
            reading::{Reading, read},
        },
    };

    #[test]
    fn codes_are_read_one_a_line() {
        let codes = Codes::read(" 4600000000008 \r\n\r\nabc-1\n04600000000008\nABC-1\n").unwrap();
        assert_eq!(codes.to_string(), "4600000000008 abc-1");
        assert_eq!(codes.lines(), "4600000000008\nabc-1");
        assert_eq!(codes.normal_forms(), ["04600000000008", "ABC-1"]);
        assert_eq!(codes.wrong_check_digits(), None);
        assert!(Codes::read(" \n").unwrap().is_empty());
        let wrong = Codes::read("4600000000001\n46000001").unwrap();
        assert_eq!(
            wrong.wrong_check_digits().as_deref(),
            Some("4600000000001, 46000001")
        );
    }

    #[test]
    fn a_code_is_kept_as_scans_of_it_are_read() {
        for (entered, kept) in [
            ("0104600000000008215abcde93wxyz", "04600000000008"),
            ("0104600000000008215abcde\u{1d}93wxyz", "04600000000008"),
            ("]d2010460000000000821abc", "04600000000008"),
            ("(01)04600000000008(21)abc", "04600000000008"),
            (
                "https://id.gs1.org/01/04600000000008/21/abc",
                "04600000000008",
            ),
            ("]E04600000000008", "4600000000008"),
            ("]C0abc-1", "abc-1"),
            ("1E+X", "1E+X"),
            ("12E34", "12E34"),
        ] {
            let codes = Codes::read(entered).unwrap();
            assert_eq!(codes.to_string(), kept, "{entered}");
            let scanned = codes.normal_forms().remove(0);
            assert_eq!(read(entered), Some(Reading::Code(scanned)), "{entered}");
            assert_eq!(Codes::read(&codes.lines()), Ok(codes), "{entered}");
        }
        let same = "4600000000008\n0104600000000008215abcde\n(01)04600000000008";
        assert_eq!(Codes::read(same).unwrap().to_string(), "4600000000008");
    }

    #[test]
    fn commas_and_semicolons_separate_codes() {
        for (entered, kept) in [
            ("4600000000008,4600000000015", "4600000000008 4600000000015"),
            (" abc-1; abc-2 ;;abc-3,\n,", "abc-1 abc-2 abc-3"),
            // Both may be in a serial number.
            ("0104600000000008215a,b;cde93wxyz", "04600000000008"),
            ("010460000000000821,abc", "04600000000008"),
            (
                "0104600000000008215a,b;010460000000001521c,d",
                "04600000000008 04600000000015",
            ),
            (
                "0104600000000008215a,4600000000015,abc-1",
                "04600000000008 4600000000015 abc-1",
            ),
            ("0104600000000008215a,b, abc-1", "04600000000008 abc-1"),
            ("(01)04600000000008,abc-1", "04600000000008 abc-1"),
        ] {
            let codes = Codes::read(entered).unwrap();
            assert_eq!(codes.to_string(), kept, "{entered}");
        }
    }

    #[test]
    fn a_wrong_code_is_refused_with_its_line() {
        for (text, problem) in [
            ("A\nчай".to_owned(), Problem::NotCode(2)),
            ("\nA B".to_owned(), Problem::NotCode(2)),
            ("x".repeat(65), Problem::NotCode(1)),
            ("A,B\nC,чай".to_owned(), Problem::NotCode(2)),
            // An address that no scan leads to a product by
            ("https://shop.example/tea".to_owned(), Problem::NotCode(1)),
            // What a spreadsheet makes of a barcode
            ("A\n4.6E+12".to_owned(), Problem::RoundedCode(2)),
            ("4,6E+12".to_owned(), Problem::RoundedCode(1)),
            ("5e+12".to_owned(), Problem::RoundedCode(1)),
            ("https://shop.example/o/7".to_owned(), Problem::OwnCode(1)),
            ("(01)02100000000074".to_owned(), Problem::OwnCode(1)),
            (
                format!("A\n{}", own_code_of_product(7)),
                Problem::OwnCode(2),
            ),
        ] {
            assert_eq!(Codes::read(&text), Err(problem), "{text}");
        }
        let many = |count: usize| {
            (0..count)
                .map(|number| format!("C{number}\n"))
                .collect::<String>()
        };
        assert!(Codes::read(&many(MAX_CODES)).is_ok());
        assert_eq!(
            Codes::read(&many(MAX_CODES + 1)),
            Err(Problem::TooManyItems(MAX_CODES))
        );
    }
}
