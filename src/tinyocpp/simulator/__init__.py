"""The other end of the wire: a charge point to try everything against, without hardware.

It shares the message types with the central system and nothing else, so that a misunderstanding of ours cannot hide by
being on both sides.

- car.py            physics: what a car draws, and the meter that counts it
- configuration.py  the configuration keys, as one table
- profiles.py       charging profiles, and the limit they amount to now
- connector.py      one connector: plug, status, transaction
- outbox.py         calls waiting to go out, the transaction queue with its retries
- charge_point.py   the charge point, sans-I/O: text in, text out, next deadline; time is an argument
- commands.py       one function per call the central system may send
- visit.py          a person with a car: plugs in, shows the tag, waits, leaves
- client.py         the WebSocket around a charge point
"""
