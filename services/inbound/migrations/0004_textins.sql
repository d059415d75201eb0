-- 0004: what a text-in does with the texts it claims; and what the loop guard remembers of our answers.

-- What was between a header and a number of late: when it was answered, and when it texted what (a digest) that would have been answered.
CREATE TABLE replies (
    header_key text NOT NULL,
    number text NOT NULL,
    answered timestamptz[] NOT NULL DEFAULT '{}',
    heard_at timestamptz[] NOT NULL DEFAULT '{}',
    heard bytea[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (header_key, number)
);

-- What follows from a text with the keyword; '' and null: nothing. `webhook_set_by`: the ask that made the secret, which may hear it again.
ALTER TABLE text_ins
    ADD COLUMN reply text NOT NULL DEFAULT '',
    ADD COLUMN join_list_id int,
    ADD COLUMN leave_list_id int,
    ADD COLUMN forward_to text NOT NULL DEFAULT '',
    ADD COLUMN webhook_url text NOT NULL DEFAULT '',
    ADD COLUMN webhook_secret text,
    ADD COLUMN webhook_set_by uuid,
    ADD COLUMN campaign_id int,
    ADD CHECK ((webhook_url <> '') = (webhook_secret IS NOT NULL));

CREATE INDEX text_ins_with_webhook ON text_ins (id) WHERE webhook_url <> '';

-- The campaign that the text-in answered for when the text came.
ALTER TABLE texts ADD COLUMN campaign_id int;

-- Texts that a webhook shall have, until it took them; `ended_at`: it never did. Where and with which secret is the text-in's to say at each attempt.
-- Who claims one moves `next_attempt_at` on by as long as an attempt may take: that is its lease.
CREATE TABLE deliveries (
    id uuid PRIMARY KEY,
    company_id int NOT NULL,
    text_in_id int NOT NULL REFERENCES text_ins,
    text_id uuid NOT NULL REFERENCES texts,
    body text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    next_attempt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts int NOT NULL DEFAULT 0,
    error text NOT NULL DEFAULT '',
    ended_at timestamptz,
    UNIQUE (text_in_id, text_id)
);

CREATE INDEX deliveries_due ON deliveries (text_in_id, next_attempt_at) WHERE ended_at IS NULL;
CREATE INDEX deliveries_dead ON deliveries (company_id, id) WHERE ended_at IS NOT NULL;
CREATE INDEX deliveries_ended ON deliveries (ended_at) WHERE ended_at IS NOT NULL;
