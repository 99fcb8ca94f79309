-- Sends that bear an `Idempotency-Key`, by a keyed hash of tenant, kind of API key and that key.
-- `fingerprint`: keyed hash of what was asked for. `answer_by`: until when the first answer is waited for. `status`, `body`:
-- the answer; no body: Restcomm refused the message; no status: it was not noted yet.
create table idempotency (
    id blob primary key,
    key_id text not null,
    fingerprint blob not null,
    verification blob not null,
    delivery blob not null,
    resent integer not null,
    answer_by integer not null,
    status integer,
    body text,
    expires_at integer not null,
    version integer not null,
    op blob not null
) strict, without rowid;

create index idempotency_expired on idempotency (expires_at);
