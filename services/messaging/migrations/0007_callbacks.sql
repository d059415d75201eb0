-- 0007: HTTP requests of carriers, as they came. Stored before they are answered, read after; kept so that they can be read again.

CREATE TABLE raw_callbacks (
    id uuid PRIMARY KEY,            -- the ask's: a repeat is the same one
    carrier text NOT NULL,
    at timestamptz NOT NULL,        -- when it came in
    method text NOT NULL,
    url text NOT NULL,
    path text NOT NULL,
    headers jsonb NOT NULL,         -- what is needed to read it; what proved who called is not kept
    body bytea NOT NULL,
    done_at timestamptz,            -- none: still to be read
    trouble text NOT NULL DEFAULT '' -- why it could not be
);
CREATE INDEX raw_callbacks_waiting ON raw_callbacks (id) WHERE done_at IS NULL;
CREATE INDEX raw_callbacks_at ON raw_callbacks (carrier, at);
