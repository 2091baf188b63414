"""The receiver: it takes events over the shipper wire, keeps each once, and answers the team's questions.

It holds nothing that must survive: the sender's spool is the durable buffer, and a reply is sent only after the
store's commit. So a receiver may be killed at any moment, and any number of them may share one store.

    http/      a request: limits while its body streams in, its lines checked, committed in groups, the reply
    stores/    where events are kept, SQLite or ClickHouse, and what every store counts alike
    answers/   the questions, what is asked of a store, and the answers as values, words and plain text
    page/      the page at `/`
"""
