-- What the last daily run of CUSTOMER_RETENTION_DAYS did and found, in one row. There is none while the setting is off.
CREATE TABLE customer_retention (
    id      BIGINT NOT NULL PRIMARY KEY CONSTRAINT customer_retention_single CHECK (id = 1),
    days    BIGINT NOT NULL,                            -- the setting at that time
    run_at  TIMESTAMP NOT NULL,                         -- when the run began
    erased  BIGINT,                                     -- customers that the run erased; these three are NULL until it has ended
    waiting BIGINT,                                     -- customers who are due, but have waiting orders
    due     BIGINT                                      -- customers who are due at the next run, a day later
);
