-- The second factors of the accounts: secrets that they share with an authenticator app (TOTP, RFC 6238).
CREATE TABLE totp (
    user_id      TEXT NOT NULL PRIMARY KEY CONSTRAINT totp_user REFERENCES users (username) ON DELETE CASCADE,
    secret       TEXT NOT NULL,                         -- encrypted with a key from SECRET_KEY; base64
    created_at   TIMESTAMP NOT NULL,
    confirmed_at TIMESTAMP,                             -- NULL: no code was entered yet, so signing in asks for none
    last_step    BIGINT NOT NULL DEFAULT 0              -- time step of the last accepted code: each works once
);
-- Codes that replace one of the authenticator app, each of them once.
CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL CONSTRAINT recovery_codes_user REFERENCES users (username) ON DELETE CASCADE,
    hash    TEXT NOT NULL,                              -- SHA-256 of the code, in hex
    used_at TIMESTAMP,                                  -- NULL: not used yet
    PRIMARY KEY (user_id, hash)
);
