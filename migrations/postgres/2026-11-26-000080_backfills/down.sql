DROP TABLE __backfills;
