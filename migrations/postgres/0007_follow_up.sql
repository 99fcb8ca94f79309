-- What may still be done about a message that Restcomm has. It stands with the verification, whose end ends it, too: code
-- and number are erased by writing one row. What an earlier version left in the delivery's row is honoured there.
alter table verifications add column sealed bytea;
alter table verifications add column ask_at bigint;
alter table verifications add column next_step bigint;
alter table verifications add column next_after bigint;
alter table verifications add column fallback_at bigint;

create index verifications_asked on verifications (ask_at) where ask_at is not null;
create index verifications_falling_back on verifications (fallback_at) where fallback_at is not null;

-- A replica of the version before does not know these columns. When it ends a verification, or sends another message, this
-- erases for it what would not be true any more.
create function end_follow_up() returns trigger language plpgsql as $$
begin
    new.sealed := null;
    new.ask_at := case when new.expires_at <= new.ended_at and new.delivery = old.delivery then new.ask_at end;
    new.next_step := null;
    new.next_after := null;
    new.fallback_at := null;
    return new;
end
$$;
create trigger verifications_follow_up before update of ended_at, delivery on verifications for each row
when (new.sealed is not null and (new.ended_at is not null or new.delivery <> old.delivery))
execute function end_follow_up();
