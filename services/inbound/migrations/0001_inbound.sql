-- inbound: every text that arrived, whose header it came to, and what people wish (STOP, START).

-- A projection of auth's headers. `key`: phone.sender_key of the header. Only a higher version applies.
-- `heard`, of a shared number: the wishes that came to it before it was known here that the company has it are obeyed for the company. `fence`: once
-- every transaction below it has ended, all the texts are there that were stored without knowing.
CREATE TABLE headers (
    key text NOT NULL,
    company_id int NOT NULL,
    header text NOT NULL,
    active boolean NOT NULL,
    shared boolean NOT NULL,
    brand text NOT NULL DEFAULT '',
    version bigint NOT NULL,
    fence xid8,
    heard boolean NOT NULL DEFAULT false,
    PRIMARY KEY (key, company_id)
);

CREATE INDEX headers_unheard ON headers (key, company_id) WHERE shared AND NOT heard;

-- Whose what comes in on a header is. One that is switched off still receives: it may be a STOP. One that several companies use, which only
-- names can be, is nobody's unless exactly one of them has it switched on. A shared number is nobody's, however few have it.
CREATE VIEW header_owners AS
SELECT key, (array_agg(company_id ORDER BY active DESC))[1] AS company_id, (array_agg(header ORDER BY active DESC))[1] AS header
FROM headers
GROUP BY key HAVING NOT bool_or(shared) AND (count(*) = 1 OR count(*) FILTER (WHERE active) = 1);

-- A keyword on a header: a text whose first word it is goes to its company.
CREATE TABLE text_ins (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id int NOT NULL CHECK (company_id > 0),
    header text NOT NULL,
    header_key text NOT NULL,
    keyword text NOT NULL,
    keyword_key text NOT NULL CHECK (keyword_key <> ''),
    active boolean NOT NULL DEFAULT true,
    UNIQUE (header_key, keyword_key)
);

CREATE INDEX text_ins_of_company ON text_ins (company_id, id);

-- One row a text, whole. `company_id` is null while it is nobody's: it is kept, and given to the company once one has its header as its own; to a
-- shared number it stays nobody's. `id` is messaging's, made when the text came in: ids sort by arrival. `wish`: what it wishes, if it does;
-- `for_all`: a wish to every company that has the shared number, also those of which we learn later. `incomplete`: parts of it never came.
CREATE TABLE texts (
    id uuid PRIMARY KEY,
    company_id int CHECK (company_id > 0),
    number text NOT NULL,
    header text NOT NULL,
    header_key text NOT NULL,
    text_in_id int REFERENCES text_ins,
    body text NOT NULL,
    wish text CHECK (wish IN ('stop', 'stop all', 'start', 'soft', 'help')),
    for_all boolean NOT NULL DEFAULT false CHECK (wish IS NOT NULL OR NOT for_all),
    incomplete boolean NOT NULL DEFAULT false,
    at timestamptz NOT NULL,
    carrier text NOT NULL,
    carrier_id text NOT NULL,
    read boolean NOT NULL DEFAULT false,
    handled boolean NOT NULL DEFAULT false,
    CHECK (company_id IS NOT NULL OR text_in_id IS NULL)
);

-- A carrier that brings a text again gives it the same id of its own, if it gives one.
CREATE UNIQUE INDEX texts_carrier_id ON texts (carrier, carrier_id) WHERE carrier_id <> '';

-- The inbox. The marks are columns, and stand in each index before the time: a page, whatever marks it asks for, is a merge of at most four ranges,
-- and a text that comes in costs no entry more than without marks (no index of the unread beside that of all).
CREATE INDEX texts_received ON texts (company_id, read, handled, at, id) WHERE company_id IS NOT NULL;
CREATE INDEX texts_from_number ON texts (company_id, number, read, handled, at, id) WHERE company_id IS NOT NULL;
CREATE INDEX texts_to_header ON texts (company_id, header_key, read, handled, at, id) WHERE company_id IS NOT NULL;
CREATE INDEX texts_of_text_in ON texts (company_id, text_in_id, read, handled, at, id) WHERE text_in_id IS NOT NULL;
CREATE INDEX texts_of_text_ins ON texts (company_id, read, handled, at, id) WHERE text_in_id IS NOT NULL;

CREATE INDEX texts_unclaimed ON texts (header_key, id) WHERE company_id IS NULL;
CREATE INDEX texts_for_all ON texts (header_key, id) WHERE for_all;
CREATE INDEX texts_for_all_of_number ON texts (header_key, number) WHERE for_all;

CREATE SEQUENCE contact_keys;

-- Where each number stands with each company, scope by scope ('': all of the company, 'header:<key>', 'brand:<brand>'); of company 0: with every one.
-- The newest plain wish holds (STOP or START, by `plain_id`), and beneath a STOP the newest soft one (`soft_id`). Wishes are ordered by their ids: those
-- of the texts they stood in, by arrival, or made when a person acted. `sequence` counts them, late ones too: receivers apply only a higher one.
-- `id`, `header`, `at`: of the wish it stands by. `key` moves on with each change, for paging.
CREATE TABLE contacts (
    company_id int NOT NULL CHECK (company_id >= 0),
    number text NOT NULL,
    scope text NOT NULL,
    state text NOT NULL CHECK (state IN ('stopped', 'soft', 'reinstated', 'clear')),
    sequence bigint NOT NULL CHECK (sequence > 0),
    plain text CHECK (plain IN ('stop', 'start')),
    plain_id uuid,
    soft boolean NOT NULL,
    soft_id uuid,
    id uuid,
    header text NOT NULL,
    at timestamptz,
    key bigint NOT NULL DEFAULT nextval('contact_keys'),
    PRIMARY KEY (company_id, number, scope)
);

CREATE INDEX contacts_key ON contacts (company_id, state, key);
-- The rest of it, so that who stands so more than once is seen without a look at the table.
CREATE INDEX contacts_of_number ON contacts (number, company_id, state, key);

-- Every wish ever, the proof of it in `text_id`, or who did it for the number and why. Never changed, never removed.
CREATE TABLE contact_changes (
    company_id int NOT NULL,
    number text NOT NULL,
    scope text NOT NULL,
    sequence bigint NOT NULL CHECK (sequence > 0),
    wish text NOT NULL CHECK (wish IN ('stop', 'start', 'soft', 'keep')),
    header text NOT NULL,
    at timestamptz NOT NULL,
    id uuid NOT NULL,
    text_id uuid,
    user_id int,
    reason text NOT NULL DEFAULT '',
    PRIMARY KEY (company_id, number, scope, sequence),
    CHECK ((text_id IS NULL) = (user_id IS NOT NULL))
);

CREATE UNIQUE INDEX contact_changes_of_text ON contact_changes (text_id, company_id, scope) WHERE text_id IS NOT NULL;
