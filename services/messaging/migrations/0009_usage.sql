-- 0009: what sending costs: prices, what was used, and the accounts that bound it. What is counted are parts that a carrier took, or may have taken:
-- charged in the claim's transaction, given back in the settling's where they surely were not taken (docs/usage.md).

-- Of all attempts together. `parts` is another thing: what a verification will take, whose body is not kept.
ALTER TABLE open_texts ADD COLUMN taken smallint NOT NULL DEFAULT 0;
ALTER TABLE texts ADD COLUMN taken smallint NOT NULL DEFAULT 0;
ALTER TABLE claims ADD COLUMN taken smallint[] NOT NULL DEFAULT '{}'; -- of each of its texts, were all that was claimed taken

CREATE TABLE price_table (          -- one row, replaced whole
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    revision int NOT NULL,
    currency text NOT NULL,
    prices jsonb NOT NULL           -- prefix -> micros a part
);

-- A claim adds a row for each sender and campaign in it, a settling takes back what was not taken; a loop sums them up into the months. So nothing that
-- sends waits for a row that another one changes.
CREATE TABLE usage_entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    month date NOT NULL,            -- in UTC, of the claim
    company_id int NOT NULL,
    sender text NOT NULL,
    brand text NOT NULL,
    campaign_id int NOT NULL,       -- 0: single texts
    texts int NOT NULL,
    parts int NOT NULL,
    micros bigint NOT NULL
);
CREATE TABLE usage_months (
    month date NOT NULL,
    company_id int NOT NULL,
    sender text NOT NULL,
    campaign_id int NOT NULL,
    brand text NOT NULL,
    texts bigint NOT NULL,
    parts bigint NOT NULL,
    micros bigint NOT NULL,
    PRIMARY KEY (month, company_id, sender, campaign_id, brand)
) WITH (fillfactor = 70);
CREATE INDEX usage_months_of_campaign ON usage_months (campaign_id);
CREATE TABLE dropped_parts (        -- what stood in texts' `taken` of the months that retention has dropped, so that the books still balance
    campaign_id int PRIMARY KEY,
    parts bigint NOT NULL
);

CREATE TABLE accounts (             -- of companies that are bound by something, or weigh more than others
    company_id int PRIMARY KEY CHECK (company_id > 0),
    granted_micros bigint,          -- all credit there was; none: no bound. What is left is this less what was spent
    spent_micros bigint NOT NULL DEFAULT 0,
    low_micros bigint NOT NULL DEFAULT 0,
    low_told_at timestamptz NOT NULL DEFAULT '-infinity',
    parts_a_month bigint CHECK (parts_a_month >= 0), -- none: no cap
    month date NOT NULL DEFAULT '2000-01-01', -- of what is counted in month_parts
    month_parts bigint NOT NULL DEFAULT 0,
    weight smallint NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 100)
) WITH (fillfactor = 50);
