"""The tables and statements that experiment 2 compares: a narrow table of open texts with a ledger beside it, and one wide ledger.

Owns the SQL and nothing else. The services have their own, grown from it. Used by 02_rows_of_one_text.py.
"""

from dataclasses import dataclass

# Statistics of a table that fills and empties within seconds are always wrong: the hot path is not left to them.
HOT_PATH = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}

# ---------------------------------------------------------------------------------------------------------------- campaign

CAMPAIGN_SCHEMA = """
create table campaigns (
    id bigint primary key, company_id int not null, handed_to int not null default 0, targeted int not null default 0
) with (fillfactor = 50);
create table recipients (
    campaign_id bigint not null, number bigint not null, text_id uuid not null, final_at timestamptz, position int not null,
    state text collate "C" not null default 'waiting',
    primary key (campaign_id, position), unique (campaign_id, number)
) with (fillfactor = 85);
create table outbox (id bigint generated always as identity primary key, key text not null, body bytea not null)
    with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
create table inbox (consumer text collate "C" not null, message_id uuid not null, primary key (consumer, message_id));
"""
FREEZE = """
insert into recipients (campaign_id, position, number, text_id)
select $1, p.position, p.number, p.text_id from unnest($2::int[], $3::bigint[], $4::uuid[]) as p (position, number, text_id)
on conflict do nothing
"""
NEXT_BATCH = """
select position, number, text_id from recipients where campaign_id = $1 and position > $2 order by position limit $3
"""
MOVE_CHECKPOINT = "update campaigns set handed_to = $2 where id = $1 and handed_to < $2"
EMIT = "insert into outbox (key, body) values ($1, $2)"
RELAY_TAKE = "select id, key, body from outbox where id > $1 order by id limit 50"
RELAY_DONE = "delete from outbox where id = any($1::bigint[])"
INBOX = "insert into inbox (consumer, message_id) values ($1, $2) on conflict do nothing returning 1"
FINAL = """
update recipients set state = $3, final_at = now()
where campaign_id = $1 and position = any($2::int[]) and final_at is null
"""

# --------------------------------------------------------------------------------------------------------------- messaging

SHARED_SCHEMA = """
create table suppressions (
    company_id int not null, number bigint not null, since timestamptz not null default now(), primary key (company_id, number)
);
create table receipts_raw (
    id bigint generated always as identity primary key, carrier smallint not null, received_at timestamptz not null default now(),
    body bytea not null
);
create table outbox (id bigint generated always as identity primary key, key text not null, body bytea not null)
    with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
create table inbox (consumer text collate "C" not null, message_id uuid not null, primary key (consumer, message_id));
"""
STATES = "check (state in ('queued','submitting','submitted','delivered','failed','expired','suppressed','cancelled','rejected','in_doubt'))"
NARROW_SCHEMA = f"""
create table open_texts (
    id uuid primary key, campaign_id bigint, number bigint not null, claim_id uuid, lease_until timestamptz,
    next_attempt_at timestamptz not null default now(), queued_at timestamptz not null default now(), submitted_at timestamptz,
    body_id bigint, company_id int not null, position int, lane smallint not null, attempts smallint not null default 0, carrier smallint,
    state text collate "C" not null default 'queued' {STATES}, sender text not null, reference text collate "C", body text
) with (fillfactor = 100, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50000, autovacuum_vacuum_cost_delay = 0);
create index open_texts_queued on open_texts (lane, company_id, next_attempt_at) where state = 'queued';
create index open_texts_reference on open_texts (carrier, reference) where reference is not null;
create table texts (
    id uuid primary key, campaign_id bigint, number bigint not null, queued_at timestamptz not null, submitted_at timestamptz,
    final_at timestamptz not null default now(), body_id bigint, company_id int not null, position int, attempts smallint not null,
    carrier smallint, state text collate "C" not null, sender text not null, reference text collate "C"
) partition by range (id);
"""
LEDGER_COLUMNS = "id, campaign_id, number, queued_at, submitted_at, body_id, company_id, position, attempts, carrier, sender, reference"
# The ledger is asked by a scalar subquery, which can only be a look-up by key in the one partition; an anti-join may be planned as a scan.
NARROW_TAKE = """
insert into open_texts (id, campaign_id, number, body_id, company_id, position, lane, sender)
select i.id, $4, i.number, $4, $5, i.position, $6, $7 from unnest($1::uuid[], $2::bigint[], $3::int[]) as i (id, number, position)
where (select t.id from texts t where t.id = i.id) is null
on conflict (id) do nothing
"""
NARROW_LANES = """
with recursive c as (
    (select company_id, next_attempt_at from open_texts where lane = $1 and state = 'queued'
     order by company_id, next_attempt_at limit 1)
    union all
    select n.company_id, n.next_attempt_at from c cross join lateral (
        select company_id, next_attempt_at from open_texts where lane = $1 and state = 'queued' and company_id > c.company_id
        order by company_id, next_attempt_at limit 1) n
) select company_id, next_attempt_at from c
"""
NARROW_CLAIM = f"""
with picked as materialized (
    select t.ctid as at, t.next_attempt_at, exists (
        select from suppressions s where s.company_id = t.company_id and s.number = t.number) as stopped
    from unnest($1::int[], $2::timestamptz[]) as c (company_id, floor) cross join lateral (
        select o.ctid, o.company_id, o.number, o.next_attempt_at from open_texts o
        where o.lane = $3 and o.company_id = c.company_id and o.state = 'queued'
          and o.next_attempt_at >= c.floor and o.next_attempt_at <= now()
        order by o.next_attempt_at limit $4 for update skip locked) t
), gone as (
    delete from open_texts o using picked p where o.ctid = p.at and p.stopped returning o.*
), kept as (
    insert into texts ({LEDGER_COLUMNS}, state) select {LEDGER_COLUMNS}, 'suppressed' from gone
), claimed as (
    update open_texts o set state = 'submitting', claim_id = $5, lease_until = now() + interval '60 s', attempts = o.attempts + 1
    from picked p where o.ctid = p.at and not p.stopped
    returning o.id, o.company_id, o.campaign_id, o.position, o.number, o.sender, o.body_id, o.next_attempt_at, false as stopped
)
select * from claimed
union all select id, company_id, campaign_id, position, number, sender, body_id, next_attempt_at, true from gone
"""
NARROW_SETTLE = """
update open_texts o set state = 'submitted', carrier = $4, reference = s.reference, submitted_at = now()
from unnest($1::uuid[], $2::text[]) as s (id, reference)
where o.id = s.id and o.state = 'submitting' and o.claim_id = $3
returning o.id
"""
# The lateral with a limit cannot be turned round; a plain join, or `= any`, was planned as a scan of all open references (see the decision).
NARROW_RECEIVE = f"""
with found as materialized (
    select t.at from unnest($2::text[]) as r (reference) cross join lateral (
        select o.ctid as at from open_texts o
        where o.carrier = $1 and o.reference = r.reference and o.state = 'submitted' limit 1 for update) t
), final as (
    delete from open_texts o using found f where o.ctid = f.at returning o.*
), kept as (
    insert into texts ({LEDGER_COLUMNS}, state) select {LEDGER_COLUMNS}, $3 from final
)
select company_id, campaign_id, position from final
"""
WIDE_SCHEMA = f"""
create table texts (
    id uuid primary key, campaign_id bigint, number bigint not null, claim_id uuid, lease_until timestamptz,
    next_attempt_at timestamptz not null default now(), queued_at timestamptz not null default now(), submitted_at timestamptz,
    final_at timestamptz, body_id bigint, company_id int not null, position int, lane smallint not null,
    attempts smallint not null default 0, carrier smallint,
    state text collate "C" not null default 'queued' {STATES}, sender text not null, reference text collate "C", body text
) partition by range (id);
create index texts_queued on texts (lane, company_id, next_attempt_at) where state = 'queued';
create index texts_reference on texts (carrier, reference) where state = 'submitted';
"""
WIDE_TAKE = """
insert into texts (id, campaign_id, number, body_id, company_id, position, lane, sender)
select i.id, $4, i.number, $4, $5, i.position, $6, $7 from unnest($1::uuid[], $2::bigint[], $3::int[]) as i (id, number, position)
where i.id >= $8
on conflict (id) do nothing
"""
WIDE_LANES = NARROW_LANES.replace("open_texts where", "texts where id >= $2 and")
WIDE_CLAIM = """
with picked as materialized (
    select t.id as picked_id, exists (
        select from suppressions s where s.company_id = t.company_id and s.number = t.number) as stopped
    from unnest($1::int[], $2::timestamptz[]) as c (company_id, floor) cross join lateral (
        select o.id, o.company_id, o.number, o.next_attempt_at from texts o
        where o.id >= $6 and o.lane = $3 and o.company_id = c.company_id and o.state = 'queued'
          and o.next_attempt_at >= c.floor and o.next_attempt_at <= now()
        order by o.next_attempt_at limit $4 for update skip locked) t
)
update texts o set state = case when p.stopped then 'suppressed' else 'submitting' end, claim_id = $5,
    lease_until = now() + interval '60 s', attempts = o.attempts + 1
from picked p where o.id = p.picked_id and o.id >= $6
returning o.id, o.company_id, o.campaign_id, o.position, o.number, o.sender, o.body_id, o.next_attempt_at, p.stopped
"""
WIDE_SETTLE = NARROW_SETTLE.replace("open_texts", "texts").replace("o.id = s.id", "o.id = s.id and o.id >= $5")
# Not bounded by id: with the bound the planner took the key of the ledger instead of the references, at 70 to 900 us a recipient.
WIDE_RECEIVE = """
update texts o set state = $3, final_at = now()
where o.carrier = $1 and o.reference = any($2::text[]) and o.state = 'submitted'
returning o.company_id, o.campaign_id, o.position
"""
RAW = "insert into receipts_raw (carrier, body) values ($1, $2)"
HISTORY_COLUMNS = "id, campaign_id, number, queued_at, submitted_at, final_at, body_id, company_id, position, attempts, carrier, state, sender, reference"
HISTORY = """
select (lpad(to_hex($start + g / 2), 12, '0') || '7' || substr(h, 1, 3) || 'a' || substr(h, 4, 15))::uuid,
    1 + g % 500, 447700000000 + (g * 7919) % 99999999, at, at, at, 1 + g % 500, 1 + g % 500, g, 1, 1, 'delivered', '82830', substr(h, 1, 16)
from (select g, md5(g::text) as h, to_timestamp(($start + g / 2) / 1000.0) as at from generate_series($from::bigint, $to::bigint) g) s
"""


@dataclass(frozen=True)
class Candidate:
    name: str
    schema: str
    take: str
    lanes: str
    claim: str
    settle: str
    receive: str
    hot_table: str
    bounded: bool  # its statements carry the lowest id that can be open, so that old partitions are left out


NARROW = Candidate(
    "narrow", NARROW_SCHEMA, NARROW_TAKE, NARROW_LANES, NARROW_CLAIM, NARROW_SETTLE, NARROW_RECEIVE, "open_texts", False
)
WIDE = Candidate("wide", WIDE_SCHEMA, WIDE_TAKE, WIDE_LANES, WIDE_CLAIM, WIDE_SETTLE, WIDE_RECEIVE, "texts", True)
