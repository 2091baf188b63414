"""The receiver's requests: limits while a body streams in, its lines checked, committed in groups, and the reply.

What is kept is `stores`, what is asked of it `answers`, what a person sees of it `page`.
"""
