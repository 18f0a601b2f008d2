-- Tries at passwords, so that many of them wait. Shared by all servers; rows of long ago are swept.
CREATE TABLE throttles (
    key      TEXT NOT NULL PRIMARY KEY,                  -- what the tries count for: account/SHA-256 of the name in hex, address/ADDRESS …
    tries    BIGINT NOT NULL,                            -- since it was quiet; of an address without those that were right
    tried_at TIMESTAMP NOT NULL                          -- the last one
);
CREATE INDEX throttles_tried_at ON throttles (tried_at);
