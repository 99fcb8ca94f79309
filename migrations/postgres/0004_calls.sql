-- Calls, and fallback from one channel to another.
-- `spoken`: how often a call was told the code. `next_step`, `next_after`: what the tenant's plan does next, and how long
-- after the delivery was sent; `fallback_at`: when that is due.
alter table deliveries add column spoken bigint not null default 0;
alter table deliveries add column over_at bigint;
alter table deliveries add column next_step bigint;
alter table deliveries add column next_after bigint;
alter table deliveries add column fallback_at bigint;

create index deliveries_falling_back on deliveries (fallback_at) where fallback_at is not null;
-- Whether a call that an account lists is known: calls have no text to tell them apart.
create index deliveries_calls on deliveries (sid) where channel <> 'sms' and sid is not null;

-- `channels`: those it was sent over, one bit each (sms, voice, flashcall). `guessed_before`: wrong guesses at codes before
-- the live one.
alter table verifications add column channels bigint not null default 1;
alter table verifications add column switched bigint not null default 0;
alter table verifications add column guessed_before bigint not null default 0;
