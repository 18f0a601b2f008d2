-- Chats with the bot that are linked to an account. Commands in such a chat are run as the owner of the account.
CREATE TABLE chats (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_id    TEXT NOT NULL CONSTRAINT chats_user REFERENCES users (username) ON DELETE CASCADE, -- the owner, whose permissions the chat has
    chat_id    BIGINT NOT NULL,                         -- Telegram's id of the chat
    name       TEXT NOT NULL,                           -- the person's name in Telegram
    created_at TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX chats_chat_id ON chats (chat_id);
CREATE INDEX chats_user_id ON chats (user_id, id);

-- Codes that link a chat: one for each account, valid once and for a few minutes.
CREATE TABLE chat_codes (
    user_id    TEXT NOT NULL PRIMARY KEY CONSTRAINT chat_codes_user REFERENCES users (username) ON DELETE CASCADE,
    hash       TEXT NOT NULL,                           -- SHA-256 of the code, in hex
    expires_at TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX chat_codes_hash ON chat_codes (hash);

-- Updates that the bot has answered, so that none is answered twice. Deleted after a few days.
CREATE TABLE bot_updates (
    bot_id      BIGINT NOT NULL,                        -- Telegram's id of the bot
    update_id   BIGINT NOT NULL,                        -- Telegram's number, counted for each bot
    received_at TIMESTAMP NOT NULL,
    PRIMARY KEY (bot_id, update_id)
);
CREATE INDEX bot_updates_received_at ON bot_updates (received_at);

-- The server that polls Telegram for updates; only one at a time does.
CREATE TABLE bot_pollers (
    bot_id BIGINT NOT NULL PRIMARY KEY,
    server TEXT NOT NULL,                               -- random name of the process
    until  TIMESTAMP NOT NULL                           -- when another server may take over
);
