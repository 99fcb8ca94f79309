-- What may still be done about a message that Restcomm has. It stands with the verification, whose end ends it, too: code
-- and number are erased by writing one row. What an earlier version left in the delivery's row is honoured there.
alter table verifications add column sealed blob;
alter table verifications add column ask_at integer;
alter table verifications add column next_step integer;
alter table verifications add column next_after integer;
alter table verifications add column fallback_at integer;

create index verifications_asked on verifications (ask_at) where ask_at is not null;
create index verifications_falling_back on verifications (fallback_at) where fallback_at is not null;

-- A replica of the version before does not know these columns. When it ends a verification, or sends another message, this
-- erases for it what would not be true any more.
create trigger verifications_follow_up after update of ended_at, delivery on verifications
when new.sealed is not null and (new.ended_at is not null or new.delivery is not old.delivery)
begin
    update verifications set
        sealed = null,
        ask_at = case when new.expires_at <= new.ended_at and new.delivery is old.delivery then ask_at end,
        next_step = null,
        next_after = null,
        fallback_at = null
    where id = new.id;
end;
