-- The outbox: a row for each notification and recipient, written in the transaction of the operation.
CREATE TABLE notifications (
    id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind          TEXT NOT NULL CONSTRAINT notifications_kind CHECK (kind IN ('low_stock', 'order_created', 'order_issued', 'order_denied', 'test')),
    channel       TEXT NOT NULL CONSTRAINT notifications_channel CHECK (channel IN ('telegram', 'mail')),
    recipient     TEXT NOT NULL,                        -- a Telegram chat, or an email address
    lane          TEXT NOT NULL,                        -- rows of the same lane are delivered in order
    notice        TEXT NOT NULL,                        -- the content, as JSON
    state         TEXT NOT NULL CONSTRAINT notifications_state CHECK (state IN ('waiting', 'sent', 'failed')),
    attempts      BIGINT NOT NULL DEFAULT 0,            -- attempts started
    is_unsure     BOOLEAN NOT NULL DEFAULT FALSE,       -- an attempt ended without an answer, so the message may have arrived
    created_at    TIMESTAMP NOT NULL,
    due_at        TIMESTAMP NOT NULL,                   -- not sent before this
    ended_at      TIMESTAMP,                            -- when it was sent or given up
    last_error    TEXT,                                 -- why the last attempt failed
    claimed_by    TEXT,                                 -- the server that is about to send it
    claimed_until TIMESTAMP,                            -- when another server may claim it
    CONSTRAINT notifications_end CHECK ((state = 'waiting') = (ended_at IS NULL)),
    CONSTRAINT notifications_claim CHECK ((claimed_by IS NULL) = (claimed_until IS NULL))
);
CREATE INDEX notifications_waiting ON notifications (lane, id) WHERE state = 'waiting';
CREATE INDEX notifications_state ON notifications (state, id);
CREATE INDEX notifications_ended_at ON notifications (ended_at);

-- The state of each notification channel.
CREATE TABLE notification_channels (
    channel    TEXT NOT NULL PRIMARY KEY CONSTRAINT notification_channels_channel CHECK (channel IN ('telegram', 'mail')),
    name       TEXT,                                    -- our name on the channel: that of the bot
    refused_at TIMESTAMP,                               -- since when our token or password has been refused; NULL: it is not refused
    error      TEXT                                     -- the error message of the refusal
);
