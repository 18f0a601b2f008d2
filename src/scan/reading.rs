//! Reads what a scanner sent: the bare code of a product, a longer GS1 code with the number of the product in it, or
//! the address on one of our slips.

use super::{
    gtin::{has_right_check_digit, is_gtin, normal_form},
    own::{Own, read_own},
};

/// The longest code of a product, in characters.
pub const MAX_CODE_LENGTH: usize = 64;
/// The characters that stand for FNC1, with which a GS1 code begins.
const FNC1: [char; 2] = ['\u{1d}', '\u{e8}'];

/// What a scanned text stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The product with this id, by our own code.
    Product(i64),
    /// The order or basket with this number, by the code or the address on its slip.
    Slip(i64),
    /// The product that has this code, in its normal form.
    Code(String),
}

/// Returns whether a text can be the code of a product: printable ASCII without whitespace, not too long.
pub fn is_code(text: &str) -> bool {
    (1..=MAX_CODE_LENGTH).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Reads a scanned text; `None` if it cannot be a code.
pub fn read(text: &str) -> Option<Reading> {
    let text = text.trim();
    if let Some(number) = slip_in_address(text) {
        return Some(Reading::Slip(number));
    }
    let code = code_in(text)?;
    Some(match read_own(code) {
        Some(Own::Product(id)) => Reading::Product(id),
        Some(Own::Slip(number)) => Reading::Slip(number),
        None => Reading::Code(normal_form(code)),
    })
}

/// Returns the code in a scanned text, by which [`read`] finds its product, as it is written there: the GTIN in a
/// longer code or an address, or else the text without its symbology identifier. `None` if it cannot be a code.
pub fn code_in(text: &str) -> Option<&str> {
    let text = text.trim();
    if let Some(path) = path_of_address(text) {
        let key = path.iter().position(|segment| *segment == "01")?;
        return path.get(key + 1).copied().filter(|gtin| is_gtin(gtin));
    }
    let (text, is_gs1) = without_symbology(text);
    let code = gtin_inside(text, is_gs1).unwrap_or(text);
    is_code(code).then_some(code)
}

/// Removes the symbology identifier (ISO/IEC 15424), such as `]d2`, and the FNC1 that some scanners send. Returns
/// whether one of them says that a GS1 code follows.
fn without_symbology(text: &str) -> (&str, bool) {
    let mut is_gs1 = false;
    let mut rest = text;
    if let Some(identifier) = text.get(..3)
        && identifier.starts_with(']')
        && identifier
            .bytes()
            .skip(1)
            .all(|byte| byte.is_ascii_alphanumeric())
    {
        is_gs1 = matches!(identifier, "]d2" | "]C1" | "]Q3" | "]e0");
        rest = text.get(3..).unwrap_or_default();
    }
    match rest.strip_prefix(FNC1) {
        Some(rest) => (rest, true),
        None => (rest, is_gs1),
    }
}

/// Returns the GTIN after the application identifier 01, with which the codes on marked goods begin. Without a sign
/// that it is a GS1 code, the check digit must be right.
fn gtin_inside(text: &str, is_gs1: bool) -> Option<&str> {
    if let Some(rest) = text.strip_prefix("(01)") {
        return gtin14(rest);
    }
    let gtin = gtin14(text.strip_prefix("01")?)?;
    (is_gs1 || has_right_check_digit(gtin)).then_some(gtin)
}

fn gtin14(text: &str) -> Option<&str> {
    text.get(..14).filter(|digits| is_gtin(digits))
}

/// Returns the number in the address of a slip, which is `https://host/o/42`.
fn slip_in_address(text: &str) -> Option<i64> {
    let path = path_of_address(text)?;
    let ["o", number] = path[..] else {
        return None;
    };
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    let number = number.parse::<i64>().ok();
    number.filter(|number| is_number && *number > 0)
}

/// Returns the segments of the path of an address, which may be a GS1 Digital Link such as
/// `https://host/01/04600000000008/21/x`; `None` if the text is no address.
fn path_of_address(text: &str) -> Option<Vec<&str>> {
    let (_, address) = text.split_once("://")?;
    let path = address.split(['?', '#']).next()?;
    let segments = path.split('/').skip(1);
    Some(segments.filter(|segment| !segment.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Option<Reading> {
        Some(Reading::Code(text.to_owned()))
    }

    #[test]
    fn a_bare_code_is_read_in_its_normal_form() {
        assert_eq!(read(" 4600000000008\r\n"), code("04600000000008"));
        assert_eq!(read("]E04600000000008"), code("04600000000008"));
        assert_eq!(read("abc/1"), code("ABC/1"));
        // A number is a code of its own, not an order.
        assert_eq!(read("42"), code("42"));
        for text in ["", "  ", "чай", "A B", &"x".repeat(65)] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn the_gtin_of_a_gs1_code_is_read() {
        for text in [
            "010460000000000821abcdefghijklm\u{1d}91EE06\u{1d}92dGVzdA==",
            "]d2010460000000000821abc",
            "]C1010460000000000821abc",
            "]Q3010460000000000810",
            "]e00104600000000008",
            "\u{1d}010460000000000821abc",
            "\u{e8}010460000000000821abc",
            "]d2\u{1d}010460000000000821abc",
            "(01)04600000000008(21)abc",
            "https://id.gs1.org/01/04600000000008/21/abc?x=1",
            "https://example.org/some/01/4600000000008",
        ] {
            assert_eq!(read(text), code("04600000000008"), "{text}");
        }
        // Only a sign of GS1 makes up for a wrong check digit.
        assert_eq!(read("]d20104600000000001"), code("04600000000001"));
        assert_eq!(read("0104600000000001"), code("0104600000000001"));
    }

    #[test]
    fn the_code_in_a_text_is_returned_as_it_is_written() {
        for (text, code) in [
            (" 4600000000008\r\n", "4600000000008"),
            ("abc/1", "abc/1"),
            ("]E04600000000008", "4600000000008"),
            ("]C0abc-1", "abc-1"),
            ("0104600000000008215abcde93wxyz", "04600000000008"),
            ("(01)04600000000008(21)abc", "04600000000008"),
            (
                "https://example.org/01/4600000000008/21/abc",
                "4600000000008",
            ),
            ("2100000000074", "2100000000074"),
        ] {
            assert_eq!(code_in(text), Some(code), "{text}");
        }
        for text in ["", "чай", "A B", "]E0", "https://shop.example/o/7"] {
            assert_eq!(code_in(text), None, "{text}");
        }
    }

    #[test]
    fn our_codes_and_the_addresses_of_slips_are_read() {
        assert_eq!(read("2100000000074"), Some(Reading::Product(7)));
        assert_eq!(read("]E02200000000071"), Some(Reading::Slip(7)));
        for text in ["https://shop.example/o/7", "HTTP://10.0.0.1:3000/o/7/?x#y"] {
            assert_eq!(read(text), Some(Reading::Slip(7)), "{text}");
        }
        for text in [
            "https://shop.example/o/0",
            "https://shop.example/o/x",
            "https://shop.example/o/+7",
            "https://shop.example/orders/7",
            "https://shop.example",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
