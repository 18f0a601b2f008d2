-- What the admin's desk needs: accounts that are watched, blocked and deleted, invitations, a log that is searched.

ALTER TABLE users ADD COLUMN must_change_password BOOLEAN NOT NULL DEFAULT FALSE; -- the password is a one-time one
ALTER TABLE users ADD COLUMN last_seen_at TIMESTAMP;     -- to a few minutes
ALTER TABLE users ADD COLUMN deleted_at TIMESTAMP;       -- set: gone for good; the row keeps the name for the history

ALTER TABLE sessions ADD COLUMN last_seen_at TIMESTAMP;  -- to a few minutes

-- A link that makes one account, whatever REGISTRATION says.
CREATE TABLE invitations (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    token_hash TEXT NOT NULL,                            -- SHA-256 of the token in the link, in hex
    role       TEXT NOT NULL CONSTRAINT invitations_role CHECK (role IN ('admin', 'manager', 'user')), -- of the account that it makes
    user_id    TEXT CONSTRAINT invitations_user REFERENCES users (username), -- who invited; NULL: the system
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    used_at    TIMESTAMP,
    used_by    TEXT CONSTRAINT invitations_used_by REFERENCES users (username), -- the account that it made
    CONSTRAINT invitations_use CHECK ((used_at IS NULL) = (used_by IS NULL))
);
CREATE UNIQUE INDEX invitations_token_hash ON invitations (token_hash);
CREATE INDEX invitations_expires_at ON invitations (expires_at);

-- The log is read newest first, by one of these; what else is asked for is compared row by row, a bounded number of them.
DROP INDEX operation_log_user_id;
DROP INDEX operation_log_action;
CREATE INDEX operation_log_user_id ON operation_log (user_id, timestamp, id);
CREATE INDEX operation_log_action ON operation_log (action, timestamp, id);
CREATE INDEX operation_log_type ON operation_log (entity_type, timestamp, id);

-- Each database has its own words for what follows.

-- The log only grows.
CREATE TRIGGER operation_log_keeps_rows BEFORE UPDATE ON operation_log
BEGIN SELECT RAISE(ABORT, 'the operation log only grows'); END;
CREATE TRIGGER operation_log_loses_none BEFORE DELETE ON operation_log
BEGIN SELECT RAISE(ABORT, 'the operation log only grows'); END;
