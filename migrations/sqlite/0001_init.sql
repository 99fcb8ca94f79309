-- Instants are unix milliseconds; ids and hashes have a fixed width.
-- Rows that change carry `version` (writes are guarded by it) and `op` (the command that wrote them last).

create table tenants (
    name text primary key,
    policy text not null,
    created_at integer not null,
    updated_at integer not null
) strict, without rowid;

create table api_keys (
    hash blob primary key,
    name text not null unique,
    tenant text not null,
    kind text not null,
    scopes text not null,
    created_at integer not null,
    expires_at integer,
    revoked_at integer
) strict, without rowid;

create table verifications (
    id blob primary key,
    tenant text not null,
    number_index blob not null,
    to_masked text not null,
    purpose text not null,
    channel text not null,
    metadata text not null,
    status text not null,
    reason text,
    code_hash blob,
    key_id text not null,
    attempts integer not null,
    wrong_at blob not null,
    sends integer not null,
    resend_at integer not null,
    delivery blob not null,
    sent integer not null,
    created_at integer not null,
    expires_at integer not null,
    approved_at integer,
    ended_at integer,
    version integer not null,
    op blob not null
) strict, without rowid;

create index verifications_by_number on verifications (number_index, purpose, id);
create index verifications_pending on verifications (expires_at) where status = 'pending';

create table deliveries (
    id blob primary key,
    verification blob not null,
    tenant text not null,
    channel text not null,
    status text not null,
    reason text,
    cause text not null,
    stage text not null,
    due_at integer,
    claim integer not null,
    tries integer not null,
    account text,
    sid text,
    sealed blob,
    key_id text not null,
    charges blob not null,
    give_up_at integer not null,
    created_at integer not null,
    handed_at integer,
    sent_at integer,
    delivered_at integer,
    failed_at integer,
    version integer not null,
    op blob not null
) strict, without rowid;

create index deliveries_by_verification on deliveries (verification, id);
create index deliveries_due on deliveries (due_at) where due_at is not null;

create table budgets (
    id blob primary key,
    key_id text not null,
    failures integer not null,
    blocked_until integer not null,
    last_failure integer not null,
    version integer not null,
    op blob not null
) strict, without rowid;

create table counters (
    id blob primary key,
    key_id text not null,
    state blob not null,
    until integer not null,
    version integer not null,
    op blob not null
) strict, without rowid;

create index counters_until on counters (until);

-- The highest "now" that was committed: time never runs backwards, not even over a restart.
create table clock (
    id integer primary key,
    now integer not null
) strict, without rowid;

insert into clock (id, now) values (1, 0);

-- Which root key each id meant when it was first used: another key under the same id would open nothing.
create table root_keys (
    id text primary key,
    fingerprint blob not null
) strict, without rowid;
