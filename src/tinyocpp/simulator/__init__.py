"""The other end of the wire: a charge point to try everything against, without hardware.

It shares the message types with the central system and nothing else, so that a misunderstanding of ours cannot hide by
being on both sides. Only client.py and carrier.py know a network, only client.py and gridmeter.py a clock; everywhere
else the time is an argument.

    car            physics: what a car draws, and the meter that counts it
    cars           the kinds of cars there are, as a table
    vices          what real chargers do otherwise, as a table
    registers      what the meters show, kept from run to run
    samples        a meter's reading as the values of a MeterValue
    configuration  the configuration keys, as one table
    profiles       charging profiles, and the limit they amount to now
    offers         what a connector offers its car: profiles taken, and obeyed or not
    tally          what a real charge point would have suffered
    tagmemory      the local list and the authorization cache
    connector      one connector: plug, status, transaction
    outbox         calls waiting to go out, the transaction queue with its retries
    charge_point   the charge point, sans-I/O: text in, text out, next deadline
    charging       a transaction at a connector, from its begin to its stop
    person         what a person does there: plug in, show a tag, leave; and the remote start
    commands       one function per call the central system may send
    smart_charging those about charging profiles
    triggers       messages on request
    restarts       what a reset sets off
    trust          what such a call says of certificates and the security profile
    keychain       the certificates themselves, and the keys
    firmware       an update of the firmware
    uploads        diagnostics and logs that are brought
    carrier        the files of these, over the network
    visit          who drives it all: one charge from plug to plug, or a car that stays
    client         the WebSocket around a charge point
    house          roof, load and battery of the house, from a trace
    household      the house and the chargers in it
    gridmeter      what the house's meter shows, in a file
    tls            whom it trusts there, and the certificate it shows
"""
