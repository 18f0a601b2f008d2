-- What is kept of an answer no longer says who the customer is, and the fingerprint cannot be tried out any more: both
-- were written another way until now. A repeat of a request of before is refused, and told what was created.
UPDATE idempotency_keys SET answer = NULL, fingerprint = '';
