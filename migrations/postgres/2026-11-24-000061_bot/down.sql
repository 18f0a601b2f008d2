DROP TABLE bot_pollers;
DROP TABLE bot_updates;
DROP TABLE chat_codes;
DROP TABLE chats;
