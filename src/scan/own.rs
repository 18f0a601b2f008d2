//! The codes that the shop prints: EAN-13 numbers from GS1's range for use within a company (prefixes 20 to 29), which
//! no manufacturer has on their goods. They are computed, not stored.

use super::gtin::{check_digit, has_right_check_digit, normal_form};

/// The prefix of the code of a product.
const PRODUCT: &str = "21";
/// The prefix of the code on the slip of an order or a basket.
const SLIP: &str = "22";

/// What a code of the shop stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// The product with this id.
    Product(i64),
    /// The order or basket with this number.
    Slip(i64),
}

/// Returns our code of a product, for goods without a barcode.
pub fn own_code_of_product(id: i64) -> String {
    ean13(PRODUCT, id)
}

/// Returns the code on the slip of an order or a basket. The number of a basket is that of its first order.
pub fn slip_code(number: i64) -> String {
    ean13(SLIP, number)
}

fn ean13(prefix: &str, number: i64) -> String {
    let digits = format!("{prefix}{number:010}");
    let check = check_digit(&digits);
    format!("{digits}{check}")
}

/// Reads a code of the shop; `None` if it is another code.
pub fn read_own(code: &str) -> Option<Own> {
    let code = normal_form(code);
    let ean = code.strip_prefix('0').filter(|ean| ean.len() == 13)?;
    if !ean.bytes().all(|byte| byte.is_ascii_digit()) || !has_right_check_digit(ean) {
        return None;
    }
    let number = ean.get(2..12)?.parse().ok().filter(|number| *number > 0)?;
    match ean.get(..2)? {
        PRODUCT => Some(Own::Product(number)),
        SLIP => Some(Own::Slip(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_codes_are_read_back() {
        assert_eq!(own_code_of_product(7), "2100000000074");
        assert_eq!(read_own("2100000000074"), Some(Own::Product(7)));
        assert_eq!(read_own("02100000000074"), Some(Own::Product(7)));
        for number in [1, 42, 9_999_999_999] {
            assert_eq!(read_own(&slip_code(number)), Some(Own::Slip(number)));
        }
        // A wrong check digit, no number, another range, and no EAN-13
        for code in [
            "2100000000070",
            &own_code_of_product(0),
            "4600000000008",
            "22",
            "",
        ] {
            assert_eq!(read_own(code), None, "{code}");
        }
    }
}
