-- 0002: what messaging must know of others' things, kept by their events; a lower version never overwrites a higher one.

CREATE TABLE headers (              -- auth's: who may send as what
    company_id int NOT NULL,
    key text NOT NULL,              -- libs.common.phone.sender_key
    header text NOT NULL,
    active boolean NOT NULL,
    version int NOT NULL,
    PRIMARY KEY (company_id, key)
);

CREATE TABLE suppressions (         -- inbound's: who wants nothing from whom
    company_id int NOT NULL,
    number text NOT NULL,
    stopped boolean NOT NULL,
    sequence bigint NOT NULL,
    at timestamptz NOT NULL,        -- when the person texted
    known_at timestamptz NOT NULL DEFAULT clock_timestamp(), -- when messaging heard: from its commit on no claim takes a text
    PRIMARY KEY (company_id, number)
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
