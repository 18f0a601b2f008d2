DROP INDEX users_state;
