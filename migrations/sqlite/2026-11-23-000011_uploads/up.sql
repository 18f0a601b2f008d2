-- Uploaded files that wait for confirmation; deleted after a day.
CREATE TABLE uploads (
    id         TEXT NOT NULL PRIMARY KEY,               -- random
    kind       TEXT NOT NULL CONSTRAINT uploads_kind CHECK (kind IN ('products', 'supplies')),
    user_id    TEXT CONSTRAINT uploads_user REFERENCES users (username) ON DELETE CASCADE, -- the uploader, who alone may confirm it
    file_name  TEXT NOT NULL,
    content    TEXT NOT NULL,                           -- the text of the CSV file
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX uploads_created_at ON uploads (created_at);
CREATE INDEX uploads_user_id ON uploads (user_id);
