"""Hosts own descriptors, clocks and processes: around one session on a pipe, or around many behind WebSocket.

stdio.py and websocket.py are the two hosts (websocketd.py puts the first behind a third party's server); batch.py is
what they have in common; door.py decides who gets in, commandsocket.py is the way to a live charger, wirelog.py keeps
what was said. No rule about charging or energy lives here.
"""
