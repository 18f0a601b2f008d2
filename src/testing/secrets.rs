//! Finds secrets in a line of the log. The process tests use it, too.

/// The passwords that the tests use.
const PASSWORDS: &[&str] = &[
    "correct horse",
    "wrong horse",
    "battery staple",
    "самовар-на-столе",
];
/// The last digits of the phone numbers that the tests use, without a country code.
const PHONES: &[&str] = &["9161234567", "9031112233"];
/// The minimum length of a token or a signature; no ordinary word is as long.
const TOKEN_LENGTH: usize = 40;

/// Returns the kind of secret that a line of the log contains, or `None`.
pub fn find_secret(line: &str) -> Option<&'static str> {
    let has = |words: &[&str]| words.iter().any(|word| line.contains(word));
    // Removes the separators of a phone number such as +7 (916) 123-45-67.
    let digits: String = line
        .chars()
        .filter(|c| !matches!(c, ' ' | '(' | ')' | '-' | '+' | '\u{a0}'))
        .collect();
    if has(PASSWORDS) {
        Some("a password")
    } else if has(&["$2b$", "$2a$", "$2y$"]) {
        Some("a password hash")
    } else if has(&["sirius_"]) && longest_word(line) >= TOKEN_LENGTH {
        Some("a token")
    } else if has(&["sirius=", "known=", "invitation="]) {
        Some("a cookie or a link")
    } else if PHONES.iter().any(|phone| digits.contains(phone)) {
        Some("a phone number")
    } else if longest_mixed_word(line) >= TOKEN_LENGTH {
        Some("a possible key")
    } else {
        None
    }
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '_' | '-')))
}

fn longest_word(line: &str) -> usize {
    words(line).map(str::len).max().unwrap_or_default()
}

/// Returns the length of the longest word with upper-case letters, lower-case letters and digits, as in a random key.
fn longest_mixed_word(line: &str) -> usize {
    let is_mixed = |word: &&str| {
        let has = |kind: fn(&char) -> bool| word.chars().any(|c| kind(&c));
        has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase) && has(char::is_ascii_digit)
    };
    words(line)
        .filter(is_mixed)
        .map(str::len)
        .max()
        .unwrap_or_default()
}

#[test]
fn a_secret_is_found_in_a_log_line() {
    for line in [
        "WARN sign-in failed password=correct horse",
        "INFO order booked phone=+79161234567",
        "INFO order booked phone=8 (916) 123-45-67",
        "DEBUG cookie: sirius=abc",
        "DEBUG token sirius_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "DEBUG hash=$2b$04$abcdefghijklmnopqrstuv",
        "DEBUG signed=dGhpcyBpcyBub3QgYSBzZWNyZXQgYnV0IGxvb2tzIDEyMw=",
    ] {
        assert!(find_secret(line).is_some(), "{line}");
    }
    for line in [
        "2026-11-24T06:29:12.345678Z  INFO request{id=9f86d081884c7d65 method=GET route=/orders/{id}}: \
         answered status=200",
        "INFO serving http://127.0.0.1:3000 from SQLite /tmp/x/sirius.db",
        "DEBUG request{id=9f86d081884c7d65 method=POST route=/api/products/{id}/movements}: answered milliseconds=12",
    ] {
        assert_eq!(find_secret(line), None, "{line}");
    }
}
