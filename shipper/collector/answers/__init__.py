"""The questions and their answers, the same for every store: filters, rows, numbers as people read them, plain text."""
