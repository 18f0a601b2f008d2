-- Chats with the bot that belong to an account: whoever writes there acts as its owner.
CREATE TABLE chats (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_id    TEXT NOT NULL CONSTRAINT chats_user REFERENCES users (username) ON DELETE CASCADE, -- the owner: the chat has his rights
    chat_id    BIGINT NOT NULL,                         -- as Telegram numbers it
    name       TEXT NOT NULL,                           -- what Telegram calls the person
    created_at TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX chats_chat_id ON chats (chat_id);
CREATE INDEX chats_user_id ON chats (user_id, id);

-- Codes that link a chat: one for each account, for a few minutes, once.
CREATE TABLE chat_codes (
    user_id    TEXT NOT NULL PRIMARY KEY CONSTRAINT chat_codes_user REFERENCES users (username) ON DELETE CASCADE,
    hash       TEXT NOT NULL,                           -- SHA-256 of the code, in hex
    expires_at TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX chat_codes_hash ON chat_codes (hash);

-- What the bot was sent and has answered: nothing is answered twice. Forgotten after a few days.
CREATE TABLE bot_updates (
    bot_id      BIGINT NOT NULL,                        -- the bot, as Telegram numbers it
    update_id   BIGINT NOT NULL,                        -- counted by Telegram for each bot
    received_at TIMESTAMP NOT NULL,
    PRIMARY KEY (bot_id, update_id)
);
CREATE INDEX bot_updates_received_at ON bot_updates (received_at);

-- Which server asks Telegram for updates: one at a time.
CREATE TABLE bot_pollers (
    bot_id BIGINT NOT NULL PRIMARY KEY,
    server TEXT NOT NULL,                               -- a random name of the process
    until  TIMESTAMP NOT NULL                           -- when another may take over
);
