-- Refused forms of browsers without JavaScript, until their page is shown again. Deleted after some minutes.
CREATE TABLE form_drafts (
    id         TEXT NOT NULL PRIMARY KEY,               -- SHA-256 of the key in the address and the cookie of the browser, in hex
    owner      TEXT NOT NULL,                           -- whose rows are counted together: user/NAME or address/ADDRESS
    content    TEXT NOT NULL,                           -- JSON: the server function, the error, and the fields without secrets
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX form_drafts_owner ON form_drafts (owner, created_at);
CREATE INDEX form_drafts_created_at ON form_drafts (created_at);
