-- 0002: what people last wished of lists by texting in: a wish that is older than `at` changes nothing. An entry that is made otherwise is none.
CREATE TABLE memberships (
    list_id int NOT NULL,
    phone_number text NOT NULL,
    joins boolean NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (list_id, phone_number)
);
