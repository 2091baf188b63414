"""The delivery decisions, without I/O: values and the time go in, a value comes out.

    outcome   what a send came to, and how a status code is read
    waiting   Retry-After in all its forms, and the backoff
    parts     one segment's lines on their way: splitting, bisecting, what is settled
    memory    the journal as a value: what one pass remembers for the next
    plan      which step the pass takes next
    words     the journal in plain words, for `shipper status`
    policy    every number, with its reason

`shipper/flusher.py` obeys these decisions; `tests/bench/fleet.py` runs the same code for a million simulated clients.
"""
