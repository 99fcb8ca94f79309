-- What may still be done about a message that Restcomm has. It stands with the verification, whose end ends it, too: code
-- and number are erased by writing one row. What an earlier version left in the delivery's row is honoured there.
alter table verifications add column sealed bytea;
alter table verifications add column ask_at bigint;
alter table verifications add column next_step bigint;
alter table verifications add column next_after bigint;
alter table verifications add column fallback_at bigint;

create index verifications_asked on verifications (ask_at) where ask_at is not null;
create index verifications_falling_back on verifications (fallback_at) where fallback_at is not null;
