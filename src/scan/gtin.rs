//! GTINs, the numbers in the barcodes of goods, and the normal form in which codes are compared.

/// The lengths of a GTIN: EAN-8, UPC-A, EAN-13 and GTIN-14.
const LENGTHS: [usize; 4] = [8, 12, 13, 14];

/// Returns whether a code is a GTIN by its form. Its check digit may be wrong.
pub fn is_gtin(code: &str) -> bool {
    LENGTHS.contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the normal form of a code, by which codes are found: a GTIN with fourteen digits, because the same number is
/// printed with and without leading zeros, and any other code in upper case. A UPC-E code becomes the number that it
/// abbreviates, unless it may be EAN-8; see [`upc_e`].
pub fn normal_form(code: &str) -> String {
    match upc_e(code) {
        Some(number) if !has_right_check_digit(code) => number,
        _ if is_gtin(code) => format!("{code:0>14}"),
        _ => code.to_ascii_uppercase(),
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

/// Returns the number that a UPC-E code abbreviates, with fourteen digits; `None` for any other code.
///
/// It has eight digits, of which the first is 0 and the last but one says which zeros were left out (GS1 General
/// Specifications, section on UPC-E). Numbers of EAN-8 that begin with 0 are for use within a company, and many of them
/// can be read as UPC-E, too.
pub fn upc_e(code: &str) -> Option<String> {
    let is_gtin_8 = code.len() == 8 && is_gtin(code);
    let digits = code.strip_prefix('0').filter(|_| is_gtin_8)?;
    let (rest, end) = digits.split_at_checked(5)?;
    let (kind, check) = end.split_at_checked(1)?;
    let digit = |place: usize| rest.as_bytes().get(place).copied().unwrap_or_default();
    let parts = |at: usize| rest.split_at_checked(at);
    let number = match kind {
        "0" | "1" | "2" => parts(2).map(|(start, end)| format!("{start}{kind}0000{end}")),
        "3" if digit(2) >= b'3' => parts(3).map(|(start, end)| format!("{start}00000{end}")),
        "4" if digit(3) != b'0' => parts(4).map(|(start, end)| format!("{start}00000{end}")),
        "3" | "4" => None,
        _ if digit(4) != b'0' => Some(format!("{rest}0000{kind}")),
        _ => None,
    };
    let number = format!("000{}{check}", number?);
    has_right_check_digit(&number).then_some(number)
}

/// Returns whether the last of these digits is the check digit of the others.
pub fn has_right_check_digit(code: &str) -> bool {
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
            ("01234514", "00012100003454"),
            ("01234523", "00012200003453"),
            ("01234531", "00012300000451"),
            ("01234543", "00012340000053"),
        ] {
            assert_eq!(normal_form(code), number);
            assert!(!has_wrong_check_digit(code), "{code}");
        }
        // These may be EAN-8.
        for (code, number) in [
            ("01234558", "00012345000058"),
            ("01234565", "00012345000065"),
            ("01234596", "00012345000096"),
        ] {
            assert_eq!(upc_e(code).as_deref(), Some(number));
            assert_eq!(normal_form(code), format!("000000{code}"));
        }
        // A wrong check digit, another first digit, and zeros that another form leaves out
        for code in ["01234506", "96385074", "00010136", "00000116"] {
            assert_eq!(normal_form(code), format!("000000{code}"));
        }
        assert_eq!(normal_form("abc-1"), "ABC-1");
        assert_eq!(normal_form("1234567"), "1234567");
    }
}
