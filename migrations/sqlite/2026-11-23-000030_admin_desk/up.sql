-- For the admin pages: accounts that can be viewed, blocked and deleted, invitations, and a log that can be searched.

ALTER TABLE users ADD COLUMN must_change_password BOOLEAN NOT NULL DEFAULT FALSE; -- the password is a one-time password
ALTER TABLE users ADD COLUMN last_seen_at TIMESTAMP;     -- accurate to a few minutes
ALTER TABLE users ADD COLUMN deleted_at TIMESTAMP;       -- if set, deleted for good; the row keeps the name for the operation log

ALTER TABLE sessions ADD COLUMN last_seen_at TIMESTAMP;  -- accurate to a few minutes

-- Links that create one account each, whatever REGISTRATION says.
CREATE TABLE invitations (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    token_hash TEXT NOT NULL,                            -- SHA-256 of the token in the link, in hex
    role       TEXT NOT NULL CONSTRAINT invitations_role CHECK (role IN ('admin', 'manager', 'user')), -- role of the new account
    user_id    TEXT CONSTRAINT invitations_user REFERENCES users (username), -- the inviter; NULL: the system
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    used_at    TIMESTAMP,
    used_by    TEXT CONSTRAINT invitations_used_by REFERENCES users (username), -- the new account
    CONSTRAINT invitations_use CHECK ((used_at IS NULL) = (used_by IS NULL))
);
CREATE UNIQUE INDEX invitations_token_hash ON invitations (token_hash);
CREATE INDEX invitations_expires_at ON invitations (expires_at);

-- The log is read newest first by one of these indexes. Further filters are checked row by row, for a limited number of
-- rows.
DROP INDEX operation_log_user_id;
DROP INDEX operation_log_action;
CREATE INDEX operation_log_user_id ON operation_log (user_id, timestamp, id);
CREATE INDEX operation_log_action ON operation_log (action, timestamp, id);
CREATE INDEX operation_log_type ON operation_log (entity_type, timestamp, id);

-- The databases differ from here on.

-- Rows of the log can be neither changed nor deleted.
CREATE TRIGGER operation_log_keeps_rows BEFORE UPDATE ON operation_log
BEGIN SELECT RAISE(ABORT, 'the operation log only grows'); END;
CREATE TRIGGER operation_log_loses_none BEFORE DELETE ON operation_log
BEGIN SELECT RAISE(ABORT, 'the operation log only grows'); END;
