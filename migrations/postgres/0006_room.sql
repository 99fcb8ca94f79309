-- Room on each page for what becomes of its rows: a row that stays on its page, with nothing changed that an index holds,
-- costs no index anything, and what it was before is cleared away in passing.
alter table verifications set (fillfactor = 50);
alter table deliveries set (fillfactor = 50);
alter table counters set (fillfactor = 70);
alter table budgets set (fillfactor = 70);
