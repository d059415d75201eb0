-- phonelist: lists, their entries, and imports, whose rows wait aside until the whole of them goes in at once.

-- A projection of auth's folders: which there are. Folder 0, a company's root, always is.
CREATE TABLE folders (
    company_id int NOT NULL,
    folder_id int NOT NULL,
    PRIMARY KEY (company_id, folder_id)
);

CREATE TABLE lists (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id int NOT NULL CHECK (company_id > 0),
    folder_id int NOT NULL,
    title text NOT NULL CHECK (title <> ''),
    title_key text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (company_id, folder_id, title_key)
);

-- What a company's pages of lists go by.
CREATE INDEX lists_of_company ON lists (company_id, id);

-- The order of `id` is the list's order: who adds entries holds the list's row, so that ids become visible in their order.
-- `number` is the phone number in E.164 without its plus: as a number its index takes two thirds of the time of a text's.
-- No foreign key: it would look at the list's row once for each of a million entries, and lists are locked by whoever adds.
CREATE TABLE entries (
    list_id int NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    number bigint NOT NULL CHECK (number BETWEEN 1000000 AND 999999999999999),
    title text,
    first_name text,
    surname text,
    address1 text,
    address2 text,
    address3 text,
    city text,
    county text,
    postcode text,
    gender text,
    date_of_birth date,
    reference text,
    email text,
    user1 text,
    user2 text,
    user3 text,
    PRIMARY KEY (list_id, id),
    UNIQUE (list_id, number)
);

-- `report` is what FinishImport answered: asking again answers the same.
CREATE TABLE imports (
    id uuid PRIMARY KEY,
    company_id int NOT NULL,
    list_id int NOT NULL REFERENCES lists,
    begun_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    report jsonb
);

CREATE INDEX imports_by_age ON imports (begun_at);

-- Entries that wait for the end of their import, a row a message, a field an array with a value an entry: a million of them cost a tenth of what they
-- would as rows. `good` and `bad`: how many of the lines from the first to the last are so. NULL: none of them has anything there.
CREATE TABLE import_blocks (
    import_id uuid NOT NULL,
    first_line int NOT NULL,
    last_line int NOT NULL,
    good int NOT NULL,
    bad int NOT NULL,
    numbers bigint[] NOT NULL,
    title text[],
    first_name text[],
    surname text[],
    address1 text[],
    address2 text[],
    address3 text[],
    city text[],
    county text[],
    postcode text[],
    gender text[],
    date_of_birth date[],
    reference text[],
    email text[],
    user1 text[],
    user2 text[],
    user3 text[],
    repaired jsonb NOT NULL,
    repairs jsonb NOT NULL,
    PRIMARY KEY (import_id, first_line)
);

CREATE TABLE import_bad_rows (
    import_id uuid NOT NULL,
    line int NOT NULL,
    value text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (import_id, line)
);
