-- Every page of an admin says how many accounts wait for approval.
CREATE INDEX users_state ON users (state, username_key);
