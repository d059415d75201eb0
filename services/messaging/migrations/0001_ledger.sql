-- 0001: the send ledger. A text is one row at exactly one place: in open_texts while it can still change, in texts once it has an end state.
-- open_texts is narrow and short (docs/decisions/0002): the hot path touches only it, and history costs it nothing.

CREATE TABLE campaigns (            -- a campaign's text, stored once
    campaign_id int PRIMARY KEY,
    company_id int NOT NULL,
    sender text NOT NULL DEFAULT '',
    body text NOT NULL DEFAULT '',
    course text NOT NULL DEFAULT 'go' CHECK (course IN ('go', 'hold', 'stop')), -- what campaign last said: see SteerCampaign
    revision int NOT NULL DEFAULT 0, -- of the course; 0: none was told yet
    expires_at timestamptz          -- as told with the course, for windows that were on their way meanwhile
);

CREATE TABLE open_texts (
    id uuid PRIMARY KEY,            -- UUIDv7: when it was made
    company_id int NOT NULL,
    lane smallint NOT NULL,         -- 0 urgent, 1 ordinary, 2 bulk
    test boolean NOT NULL DEFAULT false, -- sent with a test key: never leaves the platform
    route smallint NOT NULL DEFAULT 1, -- the carrier it waits for, decided when it was queued
    decision int NOT NULL DEFAULT 0, -- why that one: decisions
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'submitting', 'submitted', 'in_doubt')),
    number text NOT NULL CHECK (number ^@ '+' AND octet_length(number) BETWEEN 8 AND 16), -- E.164; a regular expression took 2 us, at each of three writes
    sender text NOT NULL,
    body text,                      -- none: its campaign's
    code_rule text,                 -- a verification: the code is derived and put in where code_place stands, just before the write
    code_place text,
    code_of uuid,                   -- whose code it is; none: its own. Re-sends of a verification carry one code
    parts smallint,                 -- of a verification, whose body is not kept; else they are counted in the body
    client_reference text,          -- the client's own name for it
    send_at timestamptz,            -- scheduled for; none: at once
    campaign_id int,
    position int,                   -- of the recipient in its campaign: comes back with the settled event
    expires_at timestamptz,         -- not to be sent after this
    next_attempt_at timestamptz NOT NULL DEFAULT clock_timestamp(), -- of a held campaign's: later by sending/rules.py's HELD_S
    attempts smallint NOT NULL DEFAULT 0,
    version smallint NOT NULL DEFAULT 1,
    claim_id uuid,
    claimed_at timestamptz,
    submitted_at timestamptz,
    carrier text,
    reference text,                 -- the carrier's
    reason text NOT NULL DEFAULT '',
    CHECK ((claim_id IS NULL) = (state = 'queued')),
    CHECK (body IS NOT NULL OR campaign_id IS NOT NULL)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
-- Its predicate is on claim_id, not on state: settling, which does not change claim_id, stays a heap-only update.
CREATE INDEX open_texts_queue ON open_texts (route, lane, company_id, next_attempt_at, id) WHERE claim_id IS NULL;
-- For conversations and searches: of single texts alone, so that a campaign's rows pay nothing. What stands in a predicate beyond campaign_id is
-- always so, and keeps the index from statements that do not say it: else one that looks for a number would be planned to walk all of a company's.
CREATE INDEX open_texts_of_number ON open_texts (company_id, number, id) WHERE campaign_id IS NULL;
CREATE INDEX open_texts_single ON open_texts (company_id, id) WHERE campaign_id IS NULL AND position IS NULL;
CREATE INDEX open_texts_of_reference ON open_texts (company_id, client_reference, id) WHERE client_reference IS NOT NULL;

CREATE TABLE claims (               -- who holds which texts, until when: one row a claim, gone when it is settled
    id uuid PRIMARY KEY,
    worker text NOT NULL,
    carrier text NOT NULL,
    lease_until timestamptz NOT NULL,
    texts uuid[] NOT NULL
);

CREATE TABLE texts (                -- the ledger's closed part: never changed again, but for a verification's body, which is not kept
    id uuid NOT NULL PRIMARY KEY,
    company_id int NOT NULL,
    lane smallint NOT NULL,
    test boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('delivered', 'failed', 'expired', 'suppressed', 'cancelled', 'rejected')),
    number text NOT NULL,
    sender text NOT NULL,
    body text,
    parts smallint,
    client_reference text,
    send_at timestamptz,
    campaign_id int,
    position int,
    attempts smallint NOT NULL,
    version smallint NOT NULL,
    claimed_at timestamptz,
    submitted_at timestamptz,
    settled_at timestamptz NOT NULL,
    decision int NOT NULL DEFAULT 0,
    carrier text,
    reference text,
    reason text NOT NULL
) PARTITION BY RANGE (id);
CREATE INDEX texts_of_number ON texts (company_id, number, id) WHERE campaign_id IS NULL;
CREATE INDEX texts_single ON texts (company_id, id) WHERE campaign_id IS NULL AND position IS NULL;
CREATE INDEX texts_of_reference ON texts (company_id, client_reference, id) WHERE client_reference IS NOT NULL;
CREATE INDEX texts_of_campaign ON texts (campaign_id) WHERE campaign_id IS NOT NULL;

-- The lowest UUIDv7 of a moment (RFC 9562, 5.7: 48 bits of milliseconds).
CREATE FUNCTION uuid7_floor(at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
$$;

-- Makes the partition of the month that holds `at`; there is no default one, so that none has to be scanned or split.
CREATE FUNCTION make_partition(at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first timestamptz := date_trunc('month', at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
    next timestamptz := (date_trunc('month', at AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF texts FOR VALUES FROM (%L) TO (%L)',
        'texts_' || to_char(first AT TIME ZONE 'UTC', 'YYYY_MM'), uuid7_floor(first), uuid7_floor(next));
END $$;
SELECT make_partition(now() - interval '1 month'), make_partition(now()), make_partition(now() + interval '1 month');

CREATE TABLE raw_receipts (         -- as they came, one row a batch, replayable
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    carrier text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    items jsonb NOT NULL
);
CREATE INDEX raw_receipts_at ON raw_receipts USING brin (at);

CREATE TABLE raw_arrivals (         -- texts as carriers brought them, one row a batch
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    carrier text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    items jsonb NOT NULL
);
