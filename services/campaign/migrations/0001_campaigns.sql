-- 0001: campaigns, the lists they are linked with, their recipients, and what auth has told about companies.
-- The counts of a campaign are never kept: they are derived from `recipients`, one row a number, changed once (when its text has ended).
-- `targeted` is the one figure that is stored, so that the books compare the rows with something other than themselves.

CREATE TABLE campaigns (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id int NOT NULL CHECK (company_id > 0),
    folder_id int NOT NULL CHECK (folder_id >= 0),          -- 0: the company's root
    title text NOT NULL,
    body text NOT NULL CHECK (body <> ''),
    brand text NOT NULL,                                    -- '' where none is named
    sender text NOT NULL CHECK (sender <> ''),
    launch_at timestamptz,                                  -- as the client gave it; NULL: as soon as it is launched
    lease_hours int NOT NULL CHECK (lease_hours >= 0),      -- 0: no end
    state text NOT NULL DEFAULT 'draft'
        CHECK (state IN ('draft', 'launched', 'freezing', 'sending', 'paused', 'stopped', 'finished', 'expired')),
    why text NOT NULL DEFAULT '',                           -- of a state that nobody ordered
    course_revision int NOT NULL DEFAULT 0,                 -- rises with each course that messaging is told
    resting boolean NOT NULL DEFAULT false,                 -- sending, and outside its windows: messaging holds what it has
    personal boolean NOT NULL DEFAULT false,                -- the body has merge fields
    leave_out_incomplete boolean NOT NULL DEFAULT false,    -- as its launch said
    per_minute int CHECK (per_minute > 0),
    spread_until timestamptz,
    windows jsonb NOT NULL DEFAULT '[]',                    -- libs.common.contracts.campaign.SendingWindow; none: always
    paced_to timestamptz,                                   -- up to when what is handed over has used up what the pace allows
    watched_from int NOT NULL DEFAULT 0,                    -- positions up to this are not looked at for bursts of errors: a person resumed after them
    dry_run_of int REFERENCES campaigns (id) ON DELETE CASCADE, -- a campaign that is only frozen, to tell what would become of it
    test boolean NOT NULL,                                  -- made with a test key: nothing of it leaves the platform
    starts_at timestamptz,                                  -- set at launch, as are expires_at and launched_at; all are NULL in a draft
    expires_at timestamptz,                                 -- set at launch where there is a lease
    freeze_again_at timestamptz NOT NULL DEFAULT '-infinity', -- a freezer's lease on the campaign; in the past: free
    excluded int NOT NULL DEFAULT 0,                        -- numbers read that a linked list excludes
    incomplete int NOT NULL DEFAULT 0,                      -- entries read that lack a field
    targeted int NOT NULL DEFAULT 0,                        -- positions 1..targeted are frozen
    checkpoint int NOT NULL DEFAULT 0,                      -- positions 1..checkpoint are handed over
    ended_to int NOT NULL DEFAULT 0,                        -- positions 1..ended_to are known to have ended: where the next look begins
    created_at timestamptz NOT NULL DEFAULT now(),
    launched_at timestamptz,
    frozen_at timestamptz,
    finished_at timestamptz,
    CHECK (0 <= ended_to AND ended_to <= checkpoint AND checkpoint <= targeted),
    CHECK ((state = 'draft') = (launched_at IS NULL) AND (state = 'draft') = (starts_at IS NULL)),
    CHECK (state <> 'draft' OR (expires_at IS NULL AND targeted = 0)),
    CHECK (state NOT IN ('sending', 'finished') OR frozen_at IS NOT NULL),
    CHECK ((state = 'finished') = (finished_at IS NOT NULL) AND (state <> 'finished' OR ended_to = targeted))
) WITH (fillfactor = 50);                                   -- the checkpoint moves often: new row versions stay on the page

-- What the loops look for, however many campaigns have ended.
CREATE INDEX campaigns_running ON campaigns (id) WHERE state IN ('launched', 'freezing', 'sending', 'paused');

-- What a company's pages of campaigns go by; neither column ever changes, so the checkpoint's updates stay heap-only.
CREATE INDEX campaigns_of_company ON campaigns (company_id, id);

-- What a text that comes back is looked up by: which campaigns went out from the sender it was texted to, of late. Changed at a launch only.
CREATE INDEX campaigns_of_sender ON campaigns (company_id, sender, starts_at) WHERE dry_run_of IS NULL;

CREATE TABLE links (
    campaign_id int NOT NULL REFERENCES campaigns (id),
    list_id int NOT NULL,
    exclude boolean NOT NULL DEFAULT false,                 -- its numbers get nothing: read before the others
    read_to bigint NOT NULL DEFAULT 0,                      -- freezing: key of the last entry read
    read_until bigint,                                      -- the list's highest key at launch: its version
    numbers int NOT NULL DEFAULT 0,                         -- how many were read; 0 of a list that excludes
    complete boolean NOT NULL DEFAULT false,
    place bigint GENERATED ALWAYS AS IDENTITY,              -- the order of linking: of a number on several lists the first one's entry counts
    PRIMARY KEY (campaign_id, list_id)
);

-- The widest table: a row is written once, and once more when its text has ended. No index holds a column that changes then,
-- and a page keeps room for a second version of every row: a batch of ends changes whole pages in one transaction (heap-only updates).
CREATE TABLE recipients (
    number bigint NOT NULL CHECK (number > 0),              -- E.164 without its plus
    settled_at timestamptz,
    text_id uuid NOT NULL,
    campaign_id int NOT NULL,                               -- no foreign key: its check of each row would cost as much as the row
    position int NOT NULL CHECK (position > 0),
    version int NOT NULL DEFAULT 0,                         -- of the text, as messaging told it; only a higher one is applied
    state text COLLATE "C"
        CHECK (state IN ('delivered', 'failed', 'expired', 'suppressed', 'cancelled', 'rejected', 'in_doubt')),
    took_ms int,                                            -- from the carrier's taking it to its receipt
    parts smallint,                                         -- that a carrier took
    reason text COLLATE "C",
    body text,                                              -- of a personal campaign: rendered when it was frozen
    PRIMARY KEY (campaign_id, position),
    UNIQUE (campaign_id, number),
    CHECK ((state IS NULL) = (version = 0))
) WITH (fillfactor = 42);

-- Sums of spans of recipients, so that how far a campaign is can be told without counting a million rows. One row a span: a whole snapshot of it.
-- The books count the rows themselves.
CREATE TABLE tallies (
    campaign_id int NOT NULL,
    span int NOT NULL,                                      -- positions span * TALLY_SPAN + 1 and on
    ended jsonb NOT NULL,                                   -- state -> recipients, of those whose end is final
    late int[] NOT NULL,                                    -- positions of the others, few: each is looked up
    PRIMARY KEY (campaign_id, span)
);

CREATE TABLE excluded_numbers (                             -- of lists that exclude, while the campaign is frozen
    campaign_id int NOT NULL,
    number bigint NOT NULL,
    PRIMARY KEY (campaign_id, number)
);

CREATE TABLE incomplete_rows (                              -- the first ones
    campaign_id int NOT NULL,
    list_id int NOT NULL,
    place int NOT NULL,                                     -- in the list, from 1
    number bigint NOT NULL,
    missing text[] NOT NULL,
    PRIMARY KEY (campaign_id, list_id, place)
);

CREATE TABLE dry_runs (                                     -- `campaign_id`: the campaign that is only frozen; its row has dry_run_of
    campaign_id int PRIMARY KEY REFERENCES campaigns (id) ON DELETE CASCADE,
    of_campaign int NOT NULL,
    state text NOT NULL DEFAULT 'freezing' CHECK (state IN ('freezing', 'forecasting', 'done', 'failed')),
    begun_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    forecast_to int NOT NULL DEFAULT 0,
    found jsonb NOT NULL DEFAULT '{}',                      -- sums so far
    trouble text NOT NULL DEFAULT ''
);
CREATE INDEX dry_runs_of ON dry_runs (of_campaign, campaign_id);

CREATE TABLE replies (                                      -- what recipients texted to the sender soon after theirs
    text_id uuid PRIMARY KEY,                               -- the inbound text's; of an opt-out without one, made of number and sequence
    campaign_id int NOT NULL,
    position int NOT NULL,
    opt_out boolean NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX replies_of ON replies (campaign_id, position);

-- Projections of auth's and messaging's events; a row is replaced by a higher version only.
CREATE TABLE headers (
    company_id int NOT NULL,
    header_key text NOT NULL,                               -- libs.common.phone.sender_key
    header text NOT NULL,
    active boolean NOT NULL,
    version int NOT NULL,
    PRIMARY KEY (company_id, header_key)
);

CREATE TABLE brands (
    company_id int NOT NULL,
    brand_key text NOT NULL,                                -- the name without regard to case
    name text NOT NULL,
    active boolean NOT NULL,
    version int NOT NULL,
    PRIMARY KEY (company_id, brand_key)
);

CREATE TABLE folders (
    company_id int NOT NULL,
    folder_id int NOT NULL,
    version int NOT NULL,
    PRIMARY KEY (company_id, folder_id)
);

CREATE TABLE policies (                                     -- messaging's; of a company without a row its defaults hold
    company_id int PRIMARY KEY,
    opt_out_check text NOT NULL CHECK (opt_out_check IN ('off', 'warn', 'refuse')),
    revision int NOT NULL
);
