-- What the sessions of the account hold. NULL: the SHA-256 of hashed_password. Set when the same password is hashed anew,
-- so that the sessions stay valid.
ALTER TABLE users ADD COLUMN auth_hash TEXT;
-- Until when a one-time password can be used to sign in. NULL: it was used, or the password is not a one-time password.
ALTER TABLE users ADD COLUMN one_time_until TIMESTAMP;
-- From then on, the token is refused.
ALTER TABLE api_tokens ADD COLUMN expires_at TIMESTAMP NOT NULL DEFAULT '1970-01-01 00:00:00';
-- The databases differ from here on: they compute with time differently.
UPDATE api_tokens SET expires_at = datetime('now', '+90 days');
UPDATE users SET one_time_until = datetime('now', '+24 hours') WHERE must_change_password;
