-- Confirmed imports. A repeated confirmation gets the first answer, and a file with the same content needs an extra
-- confirmation. Deleted after a day, like the files.
CREATE TABLE imports (
    upload_id    TEXT NOT NULL PRIMARY KEY,             -- id of the file in uploads
    kind         TEXT NOT NULL CONSTRAINT imports_kind CHECK (kind IN ('products', 'supplies')),
    user_id      TEXT CONSTRAINT imports_user REFERENCES users (username) ON DELETE CASCADE, -- who confirmed it; NULL: the system
    content_hash TEXT NOT NULL,                         -- SHA-256 of the file's text, in hex
    new_rows     BIGINT NOT NULL,
    changed_rows BIGINT NOT NULL,
    same_rows    BIGINT NOT NULL,
    created_at   TIMESTAMP NOT NULL
);
CREATE INDEX imports_created_at ON imports (created_at);
CREATE INDEX imports_content ON imports (content_hash, kind, created_at);
CREATE INDEX imports_user_id ON imports (user_id);
