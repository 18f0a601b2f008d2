-- What a script, a till or a telephone signs in with, in its owner's name.
CREATE TABLE api_tokens (
    id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_id      TEXT NOT NULL CONSTRAINT api_tokens_user REFERENCES users (username) ON DELETE CASCADE, -- the owner: the token has his rights
    name         TEXT NOT NULL CONSTRAINT api_tokens_name CHECK (name <> ''), -- what the owner knows it by
    hash         TEXT NOT NULL,                         -- SHA-256 of the token, in hex: a leaked table opens nothing
    created_at   TIMESTAMP NOT NULL,
    last_used_at TIMESTAMP                              -- to the minute; NULL: never
);
CREATE UNIQUE INDEX api_tokens_hash ON api_tokens (hash);
CREATE INDEX api_tokens_user_id ON api_tokens (user_id, id);
