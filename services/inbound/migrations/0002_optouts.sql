-- 0002: opt-outs: companies' policies, who texted a number last from a shared header, what a person must read.

-- Where a company has none, the default of the contract holds. Words are in normal form.
CREATE TABLE opt_out_policies (
    company_id int PRIMARY KEY CHECK (company_id > 0),
    scope text NOT NULL CHECK (scope IN ('header', 'brand', 'company')),
    stop_words text[] NOT NULL,
    start_words text[] NOT NULL,
    stop_text text NOT NULL,
    start_text text NOT NULL,
    help_text text NOT NULL
);

-- The newest text of each company to a number from a header that several share, as messaging told. `text_id` orders them.
CREATE TABLE last_senders (
    header_key text NOT NULL,
    number text NOT NULL,
    company_id int NOT NULL,
    at timestamptz NOT NULL,
    text_id uuid NOT NULL,
    PRIMARY KEY (header_key, number, company_id)
);

-- Texts that may be a wish to stop; until `outcome`, marketing in `scope` waits. 'overtaken': the number texted a plain STOP or START after it.
CREATE TABLE reviews (
    company_id int NOT NULL,
    text_id uuid NOT NULL REFERENCES texts,
    number text NOT NULL,
    scope text NOT NULL,
    outcome text CHECK (outcome IN ('opted out', 'kept', 'overtaken')),
    settled_at timestamptz,
    user_id int,
    reason text NOT NULL DEFAULT '',
    PRIMARY KEY (company_id, text_id),
    CHECK ((outcome IS NULL) = (settled_at IS NULL))
);

CREATE INDEX reviews_open ON reviews (company_id, text_id) WHERE outcome IS NULL;
CREATE INDEX reviews_open_of_number ON reviews (company_id, number) WHERE outcome IS NULL;

-- Which of STOP and START was confirmed last to a number by a company from a header, and when: not again within hours.
CREATE TABLE confirmations (
    header_key text NOT NULL,
    number text NOT NULL,
    company_id int NOT NULL,
    wish text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (header_key, number, company_id)
);
