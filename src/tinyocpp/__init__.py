"""tinyocpp: a small OCPP 1.6-J central system for the person who owns the charger."""

__version__ = "0.2.0"
