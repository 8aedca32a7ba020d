"""The frame fuzzer: frames of real chargers, broken in every way, against the session, the listener and the backend.

A short run is part of the tests (test_fuzz.py). As long as one likes, from the top of the repository:

    PYTHONPATH=tests .venv-test/bin/python -m fuzz --minutes 60

    seeds       frames to begin with            session     the conversation in this process, very fast
    mutations   a frame into a broken one       programs    the listener with a second charger, the backend on a pipe
    oracle      which frames must be answered   requests    the handshake
    __main__    the command
"""
