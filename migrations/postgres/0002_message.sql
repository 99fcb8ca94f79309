-- What a message says beside its code. Deliveries of an earlier version have their text in English, without a purpose.

alter table deliveries add column locale text not null default 'en';
alter table deliveries add column purpose text not null default '';
alter table deliveries add column autofill text not null default '';
