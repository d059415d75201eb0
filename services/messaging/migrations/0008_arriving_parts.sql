-- 0008: received texts of which more may come, and texts that may come again. Both are forgotten after a day.

CREATE TABLE arriving_parts (       -- parts of long texts; who touches those of one key holds its advisory lock
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    text uuid NOT NULL,             -- the text they make: the same for all its parts
    carrier text NOT NULL,
    number text NOT NULL,
    header text NOT NULL,
    concat int NOT NULL,
    parts int NOT NULL,
    part int NOT NULL,
    body bytea NOT NULL,            -- UTF-8 with lone surrogates ("surrogatepass"): a part may end within a pair
    carrier_id text NOT NULL,
    at timestamptz NOT NULL,        -- the carrier's clock
    first_at timestamptz NOT NULL,  -- ours: when the first part of the text was here
    announced boolean NOT NULL,     -- it is told, whole or not; what is still here tells a repeat from a new text
    UNIQUE (text, part)
);
CREATE INDEX arriving_parts_of_key ON arriving_parts (carrier, number, header, concat, parts);
CREATE INDEX arriving_parts_waiting ON arriving_parts (first_at) WHERE NOT announced;
CREATE INDEX arriving_parts_age ON arriving_parts (first_at);

CREATE TABLE arrived_without_id (   -- texts to which their carrier gave no id
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest bytea NOT NULL,          -- of carrier, number, header and body
    at timestamptz NOT NULL,        -- the carrier's clock
    kept_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX arrived_without_id_digest ON arrived_without_id (digest, at);
CREATE INDEX arrived_without_id_age ON arrived_without_id (kept_at);
