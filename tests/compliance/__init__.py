"""An independent charger against the programs as they are run: the `ocpp` package's ChargePoint, and bytes by hand."""
