-- 0003: words that a company keeps to send again.

CREATE TABLE templates (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id int NOT NULL,
    name text NOT NULL,
    name_key text NOT NULL,         -- what two writings of one name share
    body text NOT NULL,
    CONSTRAINT templates_name UNIQUE (company_id, name_key)
);
