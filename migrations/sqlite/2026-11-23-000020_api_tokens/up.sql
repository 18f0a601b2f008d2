-- Tokens with which a script, a till or a phone signs in as their owner.
CREATE TABLE api_tokens (
    id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_id      TEXT NOT NULL CONSTRAINT api_tokens_user REFERENCES users (username) ON DELETE CASCADE, -- the owner, whose permissions the token has
    name         TEXT NOT NULL CONSTRAINT api_tokens_name CHECK (name <> ''), -- given by the owner
    hash         TEXT NOT NULL,                         -- SHA-256 of the token, in hex, so that a leaked table grants no access
    created_at   TIMESTAMP NOT NULL,
    last_used_at TIMESTAMP                              -- accurate to a minute; NULL: never used
);
CREATE UNIQUE INDEX api_tokens_hash ON api_tokens (hash);
CREATE INDEX api_tokens_user_id ON api_tokens (user_id, id);
