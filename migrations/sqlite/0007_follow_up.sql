-- What may still be done about a message that Restcomm has. It stands with the verification, whose end ends it, too: code
-- and number are erased by writing one row. What an earlier version left in the delivery's row is honoured there.
alter table verifications add column sealed blob;
alter table verifications add column ask_at integer;
alter table verifications add column next_step integer;
alter table verifications add column next_after integer;
alter table verifications add column fallback_at integer;

create index verifications_asked on verifications (ask_at) where ask_at is not null;
create index verifications_falling_back on verifications (fallback_at) where fallback_at is not null;
