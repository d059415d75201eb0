-- 0002: what messaging must know of others' things, kept by their events; a lower version never overwrites a higher one.

CREATE TABLE headers (              -- auth's: who may send as what
    company_id int NOT NULL,
    key text NOT NULL,              -- libs.common.phone.sender_key
    header text NOT NULL,
    active boolean NOT NULL,
    shared boolean NOT NULL DEFAULT false, -- other companies send from it too: its uses are told
    brand text NOT NULL DEFAULT '', -- casefolded
    version int NOT NULL,
    PRIMARY KEY (company_id, key)
);

-- Who gets nothing from whom. Of a person's wishes inbound keeps the truth and the proof; what failed is messaging's own. From the commit of a row on, no
-- claim takes a text that it covers.
CREATE TABLE suppressions (
    number text NOT NULL,
    company_id int NOT NULL,        -- 0: every company
    cause text NOT NULL CHECK (cause IN ('stop', 'soft', 'failed')), -- a STOP; a text like one that nobody has read yet; a number that takes no texts
    scope text NOT NULL,            -- '': all of the company; 'header:<sender key>'; 'brand:<casefolded>'
    active boolean NOT NULL,
    sequence bigint NOT NULL,       -- inbound's, of a wish; 0 for what failed
    at timestamptz NOT NULL,        -- when the person texted, or the text failed
    until timestamptz,              -- none: until it is lifted
    reason text NOT NULL DEFAULT '',
    known_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (number, company_id, cause, scope)
);
CREATE INDEX suppressions_failed ON suppressions (company_id, number) WHERE cause = 'failed';

-- Temporary failures, a campaign each: what makes a number suppressed is counted here.
CREATE TABLE failures (
    company_id int NOT NULL,
    number text NOT NULL,
    campaign_id int NOT NULL,       -- 0: single texts
    at timestamptz NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (company_id, number, campaign_id)
);

CREATE TABLE inbound_texts (        -- inbound's: the other side of a conversation
    id uuid PRIMARY KEY,
    company_id int NOT NULL,
    number text NOT NULL,
    header text NOT NULL,
    body text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX inbound_texts_of_number ON inbound_texts (company_id, number, id);
