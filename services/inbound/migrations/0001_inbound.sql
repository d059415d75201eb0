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
-- shared number it stays nobody's. `id` is messaging's, made when the text came in: ids sort by arrival. `wish`: what it wishes, if it does.
CREATE TABLE texts (
    id uuid PRIMARY KEY,
    company_id int CHECK (company_id > 0),
    number text NOT NULL,
    header text NOT NULL,
    header_key text NOT NULL,
    text_in_id int REFERENCES text_ins,
    body text NOT NULL,
    wish text CHECK (wish IN ('stop', 'start')),
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
CREATE INDEX texts_wishes ON texts (header_key, id) WHERE wish IS NOT NULL;

CREATE SEQUENCE contact_keys;

-- The newest wish of each number to each company, by the order in which texts arrived. `sequence` counts its wishes, late ones too:
-- receivers apply only a higher one. `key` moves on with each change, for paging.
CREATE TABLE contacts (
    company_id int NOT NULL CHECK (company_id > 0),
    number text NOT NULL,
    state text NOT NULL CHECK (state IN ('stopped', 'reinstated')),
    sequence bigint NOT NULL CHECK (sequence > 0),
    header text NOT NULL,
    at timestamptz NOT NULL,
    text_id uuid NOT NULL,
    key bigint NOT NULL DEFAULT nextval('contact_keys'),
    PRIMARY KEY (company_id, number)
);

CREATE INDEX contacts_key ON contacts (company_id, state, key);

-- Every wish ever, the proof of it in `text_id`; one to a shared number is a wish to each company that has it. Never changed, never removed.
CREATE TABLE contact_changes (
    company_id int NOT NULL,
    number text NOT NULL,
    sequence bigint NOT NULL CHECK (sequence > 0),
    wish text NOT NULL CHECK (wish IN ('stop', 'start')),
    header text NOT NULL,
    at timestamptz NOT NULL,
    text_id uuid NOT NULL,
    PRIMARY KEY (company_id, number, sequence),
    UNIQUE (company_id, text_id)
);
