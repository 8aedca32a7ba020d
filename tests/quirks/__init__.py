"""Every misbehaviour of docs/charger-quirks.md that tinyocpp handles, one test named after each number."""
