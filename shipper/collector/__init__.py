"""The receiver: it takes events over the shipper wire, keeps each once, and answers the team's questions.

It holds nothing that must survive: the sender's spool is the durable buffer, and a reply is sent only after the
store's commit. So a receiver may be killed at any moment, and any number of them may share one store.

    server.py       routes, limits while a body streams in; access.py: tokens; connections.py: patience; metrics.py
    receive.py      bytes -> checked rows, rejected lines, the reply; pure. lines.py: one line, quickly
    group.py        one writer: what waits is committed together, and each request learns its own receipt
    store.py        what a store is, and what it can say; stores.py: stores by their addresses
    facts.py        what the answers count in an event, the same for every store
    shapes.py       counts of events by their shapes, and what follows from them
    sqlite.py       the embedded store, with sqlite_schema.py, sqlite_sums.py (what it adds up), sqlite_answers.py
    clickhouse.py   the store past one machine, with clickhouse_answers.py; engines.py: a cluster, or in this process
    questions.py    the product questions, declared; shaping.py: their rows from what a store says
    answers.py      all answers as values; filters.py: an address -> a window; formats.py, plain.py: words and terminal
    page/           the page at `/`
"""
