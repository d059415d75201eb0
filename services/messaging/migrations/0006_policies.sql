-- 0006: what companies decide about their own texts, and how often the same text went to one number lately.

CREATE TABLE company_policies (     -- of a company without a row the defaults hold
    company_id int PRIMARY KEY CHECK (company_id > 0),
    near_gsm boolean NOT NULL DEFAULT false,
    in_doubt text NOT NULL DEFAULT 'leave' CHECK (in_doubt IN ('leave', 'retry_once')),
    opt_out_check text NOT NULL DEFAULT 'warn' CHECK (opt_out_check IN ('off', 'warn', 'refuse')),
    quiet_from time,
    quiet_until time CHECK (quiet_until <> quiet_from),
    time_zone text NOT NULL DEFAULT 'Europe/London',
    repetition_max smallint NOT NULL DEFAULT 20 CHECK (repetition_max BETWEEN 1 AND 20),
    verification_countries text[] NOT NULL DEFAULT '{GB}',
    revision int NOT NULL DEFAULT 1,
    CHECK ((quiet_from IS NULL) = (quiet_until IS NULL))
);

-- Of each single text: when it, word for word, went to its number within the last hour. `key`: a digest of company, number and words. Unlogged: after
-- a crash of the server an hour's guard is lost, and no text waits for a disk on its account.
CREATE UNLOGGED TABLE repetitions (
    key uuid PRIMARY KEY,
    times timestamptz[] NOT NULL,   -- at most `most` of them
    most smallint NOT NULL,
    made_at timestamptz NOT NULL    -- never changed, so that an update touches no index
) WITH (fillfactor = 80);
CREATE INDEX repetitions_made_at ON repetitions (made_at);
