"""The store past one machine: ClickHouse, by its HTTP interface or in this process (chDB).

`events` holds every event, ordered by columns that are immutable for an event, its id last. An event that was sent again
falls on its own place, one of the two goes, and FINAL reads as if it had gone already. Answers do not read it: they read
sums, which are kept in two ways (`schema` has the tables):

1.  Sets of installations and first times are idempotent: the union of days, the smallest time. Materialized views add each
    insert to `lives`, `uses` and `firsts`, however often its events come.
2.  Counts need each id once. They are worked out from `events` for one app and day at a time, into one row of `daily`,
    which replaces the row before as a whole. `touched` adds up how many rows came in for each app and day, duplicates
    too, and a row of `daily` says for how many it stands. It is older than the events when `touched` has more. No
    clock is compared, so two servers may refresh the same day at once: the row that stands for more rows stays, and of two
    rows that stand for as many, both are complete.
3.  An insert writes `events` first and then its views. A server that dies in between has acknowledged nothing; the events
    come again, and since blocks are not deduplicated (`insert_deduplicate=0`), the views see them again.
4.  A refresh on a replica reads `touched`, waits until the replica has every event that was committed by then, and reads
    the events after that.
5.  A deletion never rewrites a day. It writes the person's share of each day's sums into `withdrawn` before it deletes
    anything. A share that is worked out again, because the deletion was interrupted or two run at once, can only be
    of fewer events, and the one of more events stays. A refresh leaves out the people who are in `withdrawn`, and lists
    them in its row as `gone`; an answer takes away the shares of those who are not listed.
6.  A month that is over is one row of `monthly`. It is valid while it stands for exactly the rows of `daily`.

The statements are plain enough for servers since 18.16 and for the engine of 2026.
"""
