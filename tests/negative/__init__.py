"""Negative messages: for every request a charger may send, and every answer it may give, all the ways to get it wrong.

    payloads    wrong payloads of every type, generated from the types' own fields
    frames      broken arrays around a payload
    answers     what each of them is answered, as tables in the standard's terms
    __main__    how many there are, by category

How many there are, from the top of the repository: `PYTHONPATH=tests .venv-test/bin/python -m negative`
"""
