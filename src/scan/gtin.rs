//! GTINs, the numbers in the barcodes of goods, and the normal form in which codes are compared.

/// The lengths of a GTIN: EAN-8, UPC-A, EAN-13 and GTIN-14.
const LENGTHS: [usize; 4] = [8, 12, 13, 14];

/// Returns whether a code is a GTIN by its form. Its check digit may be wrong.
pub fn is_gtin(code: &str) -> bool {
    LENGTHS.contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the normal form of a code, by which codes are found: a GTIN with fourteen digits, because the same number is
/// printed with and without leading zeros, and any other code in upper case. A UPC-E code becomes the number that it
/// abbreviates.
pub fn normal_form(code: &str) -> String {
    if let Some(number) = upc_e(code) {
        number
    } else if is_gtin(code) {
        format!("{code:0>14}")
    } else {
        code.to_ascii_uppercase()
    }
}

/// Returns the check digit that belongs after these digits (GS1, modulo 10).
pub fn check_digit(digits: &str) -> char {
    let weighted = |(place, byte): (usize, u8)| {
        let weight = if place % 2 == 0 { 3 } else { 1 };
        u32::from(byte.wrapping_sub(b'0') % 10) * weight
    };
    let sum: u32 = digits.bytes().rev().enumerate().map(weighted).sum();
    char::from_digit((10 - sum % 10) % 10, 10).unwrap_or('0')
}

/// Returns whether a code is a GTIN whose check digit is wrong. Such a code may be printed on goods all the same.
pub fn has_wrong_check_digit(code: &str) -> bool {
    is_gtin(code) && !has_right_check_digit(code) && upc_e(code).is_none()
}

/// Returns the number that a UPC-E code abbreviates, with fourteen digits; `None` for any other code. Its eight digits
/// begin with 0, with which no EAN-8 number of a maker begins. The last digit but one says which zeros were left out
/// (GS1 General Specifications, UPC-E barcodes).
fn upc_e(code: &str) -> Option<String> {
    let is_gtin_8 = code.len() == 8 && is_gtin(code);
    let digits = code.strip_prefix('0').filter(|_| is_gtin_8)?;
    let mut digits = digits.chars();
    let (Some(check), Some(kind)) = (digits.next_back(), digits.next_back()) else {
        return None;
    };
    let rest = digits.as_str();
    let at = match kind {
        '0'..='2' => 2,
        '3' => 3,
        '4' => 4,
        _ => 5,
    };
    let (start, end) = rest.split_at_checked(at)?;
    let number = match kind {
        '0'..='2' => format!("000{start}{kind}0000{end}{check}"),
        '3' | '4' => format!("000{start}00000{end}{check}"),
        _ => format!("000{start}0000{kind}{check}"),
    };
    has_right_check_digit(&number).then_some(number)
}

/// Returns whether the last of these digits is the check digit of the others.
pub(super) fn has_right_check_digit(code: &str) -> bool {
    let mut digits = code.chars();
    digits
        .next_back()
        .is_some_and(|last| last == check_digit(digits.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_is_that_of_gs1() {
        for code in [
            "4006381333931",
            "96385074",
            "012345678905",
            "00012345678905",
            "4600000000008",
        ] {
            assert!(!has_wrong_check_digit(code), "{code}");
        }
        for code in ["4006381333930", "96385070", "012345678900"] {
            assert!(has_wrong_check_digit(code), "{code}");
        }
        // Not GTINs, so there is nothing to check.
        for code in ["4006381", "ABC-12345678", "400638133393X", ""] {
            assert!(!has_wrong_check_digit(code), "{code}");
        }
    }

    #[test]
    fn the_same_number_has_one_normal_form() {
        for code in ["012345678905", "0012345678905", "00012345678905"] {
            assert_eq!(normal_form(code), "00012345678905");
        }
        // UPC-E, with each way to leave out zeros
        for (code, number) in [
            ("01234505", "00012000003455"),
            ("01234531", "00012300000451"),
            ("01234543", "00012340000053"),
            ("01234565", "00012345000065"),
        ] {
            assert_eq!(normal_form(code), number);
            assert!(!has_wrong_check_digit(code), "{code}");
        }
        // Not UPC-E: the check digit is wrong, or the first digit
        assert_eq!(normal_form("01234506"), "00000001234506");
        assert_eq!(normal_form("96385074"), "00000096385074");
        assert_eq!(normal_form("abc-1"), "ABC-1");
        assert_eq!(normal_form("1234567"), "1234567");
    }
}
