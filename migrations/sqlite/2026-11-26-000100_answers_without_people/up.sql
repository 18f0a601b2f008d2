-- From now on, stored answers do not contain the customer, and fingerprints cannot be found by trying values. Existing
-- rows have the old form and are cleared. A repeat of an earlier request is refused with a response that says what was
-- created.
UPDATE idempotency_keys SET answer = NULL, fingerprint = '';
