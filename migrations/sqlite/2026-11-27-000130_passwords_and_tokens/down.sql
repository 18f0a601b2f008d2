ALTER TABLE api_tokens DROP COLUMN expires_at;
ALTER TABLE users DROP COLUMN one_time_until;
ALTER TABLE users DROP COLUMN auth_hash;
