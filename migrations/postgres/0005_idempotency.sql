-- Sends that bear an `Idempotency-Key`, by a keyed hash of tenant, kind of API key and that key.
-- `fingerprint`: keyed hash of what was asked for. `answer_by`: until when the first answer is waited for. `status`, `body`:
-- the answer; no body: Restcomm refused the message; no status: it was not noted yet.
create table idempotency (
    id bytea primary key,
    key_id text not null,
    fingerprint bytea not null,
    verification bytea not null,
    delivery bytea not null,
    resent bigint not null,
    answer_by bigint not null,
    status bigint,
    body text,
    expires_at bigint not null,
    version bigint not null,
    op bytea not null
);

create index idempotency_expired on idempotency (expires_at);
