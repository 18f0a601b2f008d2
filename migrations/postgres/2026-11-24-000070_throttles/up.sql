-- Password attempts, for rate limiting. Shared by all servers; old rows are deleted.
CREATE TABLE throttles (
    key      TEXT NOT NULL PRIMARY KEY,                  -- what the attempts count for: account/SHA-256 of the name in hex, address/ADDRESS …
    tries    BIGINT NOT NULL,                            -- attempts since the last quiet period; for an address, without successful ones
    tried_at TIMESTAMP NOT NULL                          -- the last attempt
);
CREATE INDEX throttles_tried_at ON throttles (tried_at);
