-- A check changes nothing that an index holds. So overdue verifications are found by when they expire, whether they ended or
-- not, and it is noted until when all of them have ended. When Restcomm is asked stands with the delivery again, which is let
-- go of when that is due and its verification has ended.
create table ended (
    id integer primary key,
    until integer not null
) strict, without rowid;

insert into ended (id, until)
select 1, coalesce((select min(expires_at) from verifications where status = 'pending' and expires_at < c.now), c.now)
from clock c where c.id = 1;

create index verifications_expiring on verifications (expires_at);
drop index verifications_pending;

-- The version before erases by itself.
drop trigger verifications_follow_up;
