-- Instants are unix milliseconds; ids and hashes have a fixed width.
-- Rows that change carry `version` (writes are guarded by it) and `op` (the command that wrote them last).

create table tenants (
    name text primary key,
    policy text not null,
    created_at bigint not null,
    updated_at bigint not null
);

create table api_keys (
    hash bytea primary key,
    name text not null unique,
    tenant text not null,
    kind text not null,
    scopes text not null,
    created_at bigint not null,
    expires_at bigint,
    revoked_at bigint
);

create table verifications (
    id bytea primary key,
    tenant text not null,
    number_index bytea not null,
    to_masked text not null,
    purpose text not null,
    channel text not null,
    metadata text not null,
    status text not null,
    reason text,
    code_hash bytea,
    key_id text not null,
    attempts bigint not null,
    wrong_at bytea not null,
    sends bigint not null,
    resend_at bigint not null,
    delivery bytea not null,
    sent bigint not null,
    created_at bigint not null,
    expires_at bigint not null,
    approved_at bigint,
    ended_at bigint,
    version bigint not null,
    op bytea not null
);

create index verifications_by_number on verifications (number_index, purpose, id);
create index verifications_pending on verifications (expires_at) where status = 'pending';

create table deliveries (
    id bytea primary key,
    verification bytea not null,
    tenant text not null,
    channel text not null,
    status text not null,
    reason text,
    cause text not null,
    stage text not null,
    due_at bigint,
    claim bigint not null,
    tries bigint not null,
    account text,
    sid text,
    sealed bytea,
    key_id text not null,
    charges bytea not null,
    give_up_at bigint not null,
    created_at bigint not null,
    handed_at bigint,
    sent_at bigint,
    delivered_at bigint,
    failed_at bigint,
    version bigint not null,
    op bytea not null
);

create index deliveries_by_verification on deliveries (verification, id);
create index deliveries_due on deliveries (due_at) where due_at is not null;

create table budgets (
    id bytea primary key,
    key_id text not null,
    failures bigint not null,
    blocked_until bigint not null,
    last_failure bigint not null,
    version bigint not null,
    op bytea not null
);

create table counters (
    id bytea primary key,
    key_id text not null,
    state bytea not null,
    until bigint not null,
    version bigint not null,
    op bytea not null
);

create index counters_until on counters (until);

-- The highest "now" that was committed: time never runs backwards, not even over a restart.
create table clock (
    id bigint primary key,
    now bigint not null
);

insert into clock (id, now) values (1, 0);

-- Which root key each id meant when it was first used: another key under the same id would open nothing.
create table root_keys (
    id text primary key,
    fingerprint bytea not null
);
