-- 0005: verifications. A code is derived from its verification's id under a key, and stands in no column. No text's words are here either.

CREATE TABLE verifications (
    id uuid PRIMARY KEY,            -- of its first text, too
    company_id int NOT NULL,
    test boolean NOT NULL,
    number text NOT NULL,
    prefix text NOT NULL,           -- of the number: services/messaging/verification/limits.py
    purpose text NOT NULL,
    rule text NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'approved', 'expired', 'cancelled', 'too_many_attempts')),
    attempts_max smallint NOT NULL,
    checks int NOT NULL DEFAULT 0,  -- all there were: those beyond attempts_max were compared with nothing
    texts uuid[] NOT NULL,          -- in the ledger, one a send
    begun_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    CHECK ((ended_at IS NULL) = (state = 'pending'))
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX verifications_pending ON verifications (company_id, number, purpose, test) WHERE state = 'pending';
CREATE INDEX verifications_begun ON verifications (begun_at);
CREATE INDEX verifications_life ON verifications (expires_at) WHERE state = 'pending';

CREATE TABLE verification_windows ( -- one row for what was counted lately; of no use once full_at has passed
    company_id int NOT NULL,
    test boolean NOT NULL,
    scope text NOT NULL,            -- number, prefix, address, company
    key text NOT NULL,
    full_at timestamptz NOT NULL,   -- when all its sends are free again
    PRIMARY KEY (company_id, test, scope, key)
);
CREATE INDEX verification_windows_full ON verification_windows (full_at);

CREATE TABLE verification_limits (  -- a company's own, in place of the default
    company_id int NOT NULL,
    scope text NOT NULL,
    sends int NOT NULL,
    window_s int NOT NULL,
    PRIMARY KEY (company_id, scope)
);

CREATE TABLE verification_alarms (  -- prefixes whose codes are sent but not used: as of the last look
    company_id int NOT NULL,
    prefix text NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    refused boolean NOT NULL,       -- bad enough that a company can have new codes refused
    PRIMARY KEY (company_id, prefix)
);
CREATE TABLE verification_refusers ( -- companies that do have them refused
    company_id int PRIMARY KEY
);
