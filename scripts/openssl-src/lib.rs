//! Passes on the current release line of OpenSSL to openssl-sys.

pub use current::*;
