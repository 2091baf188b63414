"""Random strangers before a real receiver, while an honest sender sends and looks: python -m tests.collector.fuzz

What must hold all the while: memory within its bound, no reply of 500 to anybody, every honest event acknowledged and
counted exactly once, every answer answered, and an end without a traceback. `requests` makes what is sent, by a seed;
`run` sends it and watches. A share of it stands in the gate (`test_fuzz.py`).
"""
