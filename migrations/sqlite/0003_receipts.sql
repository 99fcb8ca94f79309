-- When Restcomm is asked how a message that it took fares, should it not tell by itself.
alter table deliveries add column ask_at integer;

create index deliveries_asked on deliveries (ask_at) where ask_at is not null;
