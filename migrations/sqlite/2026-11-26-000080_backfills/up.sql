-- Changes to existing rows that SQL cannot make. The program makes each of them once, after the migrations
-- (src/migrate/backfills.rs). Like diesel's own table, this one belongs to the schema: a copy leaves it out.
CREATE TABLE __backfills (
    name    TEXT NOT NULL PRIMARY KEY,
    done_at TIMESTAMP NOT NULL
);
