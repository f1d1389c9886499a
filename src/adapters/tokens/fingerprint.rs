//! What may be known of a secret: whether it is another one than before.

use ring::digest::{SHA256, digest};

/// Digits of the fingerprint that leave this room.
const DIGITS: usize = 8;

/// Returns the first 8 hexadecimal digits of the SHA-256.
pub fn of(bytes: &[u8]) -> String {
    let mut all = hex(bytes);
    all.truncate(DIGITS);
    all
}

/// Returns all of the SHA-256 in hexadecimal digits; for names of files.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    digest(&SHA256, bytes).as_ref().iter().fold(String::new(), |mut all, byte| {
        let _ = write!(all, "{byte:02x}");
        all
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_the_beginning_of_the_sha_256() {
        assert_eq!(super::of(b"abc"), "ba7816bf");
    }
}
