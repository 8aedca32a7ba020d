"""Hosts own descriptors, clocks and processes: around one session on a pipe, or around many behind WebSocket.

There are two, and what they are made of. No rule about charging or energy lives here.

    stdio          the host on a pipe: a `select` loop around one session
    websocket      the host behind WebSocket: many sessions in one process
    link             one connection to it, and the charger behind it
    rounds           one batch, one commit, for all of them
    handshake        the upgrade: HTTP on the one side, the door on the other
    tls, addresses   wss; where we listen, and what to type into a charger
    websocketd     the other engine: a third party's server, with the host on a pipe behind it
    batch          what both have in common: the batch around a frame, the clock
    lines          frames out of a stream of lines
    door           who gets in
    runtimedir     the directory of what follows, and how files are called in it
    commandsocket  the way to a live charger
    wirelog        what was said
    log            one event per line on stderr
"""
