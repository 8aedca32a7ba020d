"""`tinyocpp charger firmware update`, `diagnostics get`, `log get`: a file goes to the charger, or comes from it.

Where the file is here, or is to come here, the word itself is the server for as long as it waits (hosts/filedoor); with
a URL it is somebody else's. Then it tells what the charger tells, until it is over. What a person got wrong is refused
before anything is sent.

    firmware   the word for what goes to the charger
    uploads    the words for what it brings
    handover   what they have in common: options, the door, the charger's answer, the waiting
    story      what the charger tells meanwhile, across its restarts
    statuses   what that means, as tables
    goals      when it is really over
    signature  of a firmware file, looked at beforehand
"""
