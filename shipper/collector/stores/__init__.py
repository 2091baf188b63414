"""Where the receiver keeps events: SQLite in one file, ClickHouse on servers or in this process.

`store` says what a store is. What every store counts alike is in `dimensions` and `label_counts`.
"""
