-- Changes to rows of earlier versions that SQL cannot make: the program makes each once, after the migrations (src/db/backfills.rs).
-- A table of the schema itself, as the one of diesel: a copy leaves it out.
CREATE TABLE __backfills (
    name    TEXT NOT NULL PRIMARY KEY,
    done_at TIMESTAMP NOT NULL
);
