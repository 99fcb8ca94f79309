-- A check is to change nothing that an index holds, unless a fallback was to come. So overdue verifications are found by when
-- they expire, whether they ended or not, and it is noted until when all of them have ended. When Restcomm is asked stands
-- with the delivery again, which is let go of when that is due and its verification has ended.

-- First what nobody may be at work beside. The trigger: the version before erases by itself.
drop trigger verifications_follow_up;

create table ended (
    id integer primary key,
    until integer not null
) strict, without rowid;

-- What is written from now on expires later than the youngest began, less what clocks may differ by.
insert into ended (id, until)
select 1, coalesce(min(v.expires_at), max(youngest.created_at), 0) - 15000
from (select created_at from verifications order by id desc limit 1) youngest
left join verifications v on v.status = 'pending' and v.expires_at < youngest.created_at;
drop index verifications_pending;

create index verifications_expiring on verifications (expires_at);
