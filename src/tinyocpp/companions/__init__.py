"""Companions: programs that know only the command socket, the ledger and the tags file, and run beside any host.

commandclient.py is how each of them speaks to a live charger, controlnotes.py what the control program leaves for
others to read. A companion can be stopped, replaced or written in another language without the charger noticing.
"""
