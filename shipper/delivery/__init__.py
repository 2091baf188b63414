"""The delivery decisions, without I/O: values and the time go in, a value comes out.

    outcome      what a send came to, and how a status code is read
    backoff      Retry-After in all its forms, and the wait after a failure
    segment_progress  one segment: splitting, bisecting, what is settled
    journal      what one pass remembers for the next
    plan         PassState, all that a pass knows, and which step it takes next
    transitions  what each outcome changes in it
    messages     the journal in plain words, for `shipper status`
    result       what a pass came to
    policy       every number, with its reason

`shipper/flusher.py` obeys these decisions; `tests/bench/fleet.py` runs the same code for a million simulated clients.
"""
