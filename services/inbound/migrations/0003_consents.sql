-- 0003: the ledger of consents: who agreed to marketing or withdrew it, when, how, in answer to which words. Written once, never changed, never removed.

CREATE TABLE consents (
    key bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    company_id int NOT NULL CHECK (company_id >= 0), -- 0: every company
    id uuid NOT NULL,               -- of whoever recorded it, or of the wish that it came with
    number text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('given', 'withdrawn')),
    how text NOT NULL CHECK (how IN ('text', 'web_form', 'paper', 'phone', 'import', 'person')),
    wording text NOT NULL,          -- of one by text: the text's own words
    reference text NOT NULL,
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    user_id bigint,                 -- 0: an operator
    text_id uuid,
    PRIMARY KEY (company_id, id),
    CHECK ((user_id IS NULL) <> (text_id IS NULL))
);
CREATE INDEX consents_in_order ON consents (company_id, key);
CREATE INDEX consents_of_number ON consents (company_id, number, key);

CREATE FUNCTION consents_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'consents are proof: they are never changed and never removed';
END $$;
CREATE TRIGGER consents_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON consents FOR EACH STATEMENT EXECUTE FUNCTION consents_stay();
