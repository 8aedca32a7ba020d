"""The tables, as the scripts that make them. A script is never edited once it has been released: a change is a new one.

Facts (starts, stops, samples, statuses, boots, calls, oddities) are only ever added. The books (transactions,
connectors, chargers) say what the facts mean now and could be made from them again. What has been agreed with a
charger (reservations, upkeep, certificates, local_lists), what the owner wants of it (wishes, modes) and how it obeys
(told, manners) stands as it is now. Times are milliseconds since 1970 in UTC, energies Wh, `charger` is the identity in
folded case. docs/ledger.md explains every column.
"""

MIGRATIONS: tuple[str, ...] = (
    """
CREATE TABLE chargers (
    charger TEXT PRIMARY KEY,
    charger_id TEXT NOT NULL,
    admitted_at INTEGER,
    password_hash TEXT,
    refused_at INTEGER,
    refused_from TEXT NOT NULL DEFAULT '',
    refused_why TEXT NOT NULL DEFAULT '',
    refusals INTEGER NOT NULL DEFAULT 0,
    connected_at INTEGER,
    connected_from TEXT NOT NULL DEFAULT '',
    disconnected_at INTEGER,
    last_seen_at INTEGER,
    booted_at INTEGER,
    vendor TEXT NOT NULL DEFAULT '',
    model TEXT NOT NULL DEFAULT '',
    firmware TEXT NOT NULL DEFAULT '',
    boot TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;

CREATE TABLE connectors (
    charger TEXT NOT NULL,
    connector_id INTEGER NOT NULL,
    status TEXT,
    error_code TEXT,
    info TEXT,
    status_at INTEGER,
    register_wh INTEGER,
    shown_at INTEGER,
    power_w REAL,
    offered_a REAL,
    sampled_at INTEGER,
    transaction_id INTEGER,
    PRIMARY KEY (charger, connector_id)
) WITHOUT ROWID;

CREATE TABLE transactions (
    transaction_id INTEGER PRIMARY KEY AUTOINCREMENT,
    charger TEXT NOT NULL,
    connector_id INTEGER NOT NULL,
    id_tag TEXT NOT NULL,
    tag TEXT NOT NULL,
    state TEXT NOT NULL,
    orphan INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    meter_start_wh INTEGER,
    start_guessed INTEGER NOT NULL DEFAULT 0,
    last_register_wh INTEGER,
    next_start_wh INTEGER,
    last_sample_at INTEGER,
    power_w REAL,
    offered_a REAL,
    relative INTEGER NOT NULL DEFAULT 0,
    stopped_at INTEGER,
    meter_stop_wh INTEGER,
    reason TEXT NOT NULL DEFAULT '',
    contradicted INTEGER NOT NULL DEFAULT 0,
    undisturbed INTEGER NOT NULL DEFAULT 1,
    claimed_id INTEGER,
    alive_at INTEGER NOT NULL,
    energy_wh INTEGER NOT NULL,
    quality TEXT NOT NULL
);
CREATE INDEX transactions_by_start ON transactions (started_at);
CREATE INDEX transactions_running ON transactions (charger, connector_id) WHERE state IN ('open', 'uncertain');
CREATE INDEX transactions_of_tag ON transactions (tag) WHERE state = 'open' AND refused = 0;
CREATE INDEX transactions_claimed ON transactions (charger, claimed_id) WHERE claimed_id IS NOT NULL;

CREATE TABLE starts (
    transaction_id INTEGER PRIMARY KEY,
    charger TEXT NOT NULL,
    connector_id INTEGER NOT NULL,
    id_tag TEXT NOT NULL,
    tag TEXT NOT NULL,
    meter_start_wh INTEGER NOT NULL,
    stated_at INTEGER,
    received_at INTEGER NOT NULL,
    reservation_id INTEGER,
    answer TEXT NOT NULL
);
CREATE UNIQUE INDEX starts_once ON starts (charger, connector_id, tag, meter_start_wh, stated_at)
    WHERE stated_at IS NOT NULL;

CREATE TABLE stops (
    stop_no INTEGER PRIMARY KEY,
    transaction_id INTEGER NOT NULL,
    charger TEXT NOT NULL,
    claimed_id INTEGER NOT NULL,
    id_tag TEXT,
    meter_stop_wh INTEGER NOT NULL,
    stated_at INTEGER,
    received_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    transaction_data TEXT
);
CREATE INDEX stops_of_charger ON stops (charger, claimed_id, meter_stop_wh);

CREATE TABLE samples (
    sampled_at INTEGER NOT NULL,
    charger TEXT NOT NULL,
    digest INTEGER NOT NULL,
    connector_id INTEGER NOT NULL,
    transaction_id INTEGER,
    claimed_id INTEGER,
    register_wh INTEGER,
    power_w REAL,
    received_at INTEGER NOT NULL,
    raw TEXT NOT NULL,
    PRIMARY KEY (sampled_at, charger, digest)
);

CREATE TABLE statuses (
    status_no INTEGER PRIMARY KEY,
    charger TEXT NOT NULL,
    connector_id INTEGER NOT NULL,
    status TEXT NOT NULL,
    error_code TEXT NOT NULL,
    info TEXT,
    vendor_id TEXT,
    vendor_error_code TEXT,
    stated_at INTEGER,
    received_at INTEGER NOT NULL
);

CREATE TABLE boots (
    boot_no INTEGER PRIMARY KEY,
    charger TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    payload TEXT NOT NULL
);

CREATE TABLE calls (
    call_no INTEGER PRIMARY KEY,
    charger TEXT NOT NULL,
    action TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    payload TEXT NOT NULL
);
CREATE INDEX calls_of_charger ON calls (charger, action);

CREATE TABLE oddities (
    charger TEXT NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,
    digest INTEGER NOT NULL,
    raw TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    times INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (charger, kind, detail, digest)
) WITHOUT ROWID;
CREATE INDEX oddities_by_time ON oddities (last_at);

CREATE TABLE grants (
    charger TEXT NOT NULL,
    tag TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (charger, tag)
) WITHOUT ROWID;

CREATE TABLE configuration (
    charger TEXT NOT NULL,
    key TEXT NOT NULL COLLATE NOCASE,
    value TEXT,
    PRIMARY KEY (charger, key)
) WITHOUT ROWID;
""",
    """
ALTER TABLE chargers ADD COLUMN registration TEXT;
ALTER TABLE chargers ADD COLUMN password_next TEXT;
ALTER TABLE chargers ADD COLUMN security_profile INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chargers ADD COLUMN security_profile_next INTEGER;
ALTER TABLE chargers ADD COLUMN connected_profile INTEGER;
ALTER TABLE chargers ADD COLUMN connected_with TEXT NOT NULL DEFAULT '';
ALTER TABLE chargers ADD COLUMN certificate_serial TEXT;
ALTER TABLE chargers ADD COLUMN certificate_expires_at INTEGER;

CREATE TABLE reservations (
    charger TEXT NOT NULL,
    reservation_id INTEGER NOT NULL,
    connector_id INTEGER NOT NULL,
    id_tag TEXT NOT NULL,
    parent_id_tag TEXT,
    expires_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    transaction_id INTEGER,
    PRIMARY KEY (charger, reservation_id)
) WITHOUT ROWID;

CREATE TABLE upkeep (
    charger TEXT NOT NULL,
    what TEXT NOT NULL,
    request_id INTEGER,
    asked_at INTEGER,
    status TEXT NOT NULL,
    status_at INTEGER NOT NULL,
    file_name TEXT,
    PRIMARY KEY (charger, what)
) WITHOUT ROWID;

CREATE TABLE certificates (
    serial TEXT PRIMARY KEY,
    charger TEXT NOT NULL,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    pem TEXT NOT NULL,
    state TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE local_lists (
    charger TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    entries TEXT NOT NULL,
    told_at INTEGER NOT NULL,
    problem TEXT NOT NULL
) WITHOUT ROWID;
""",
    """
CREATE TABLE wishes (
    charger TEXT NOT NULL,
    connector_id INTEGER NOT NULL,
    wish TEXT NOT NULL,
    wished_at INTEGER NOT NULL,
    PRIMARY KEY (charger, connector_id)
) WITHOUT ROWID;

CREATE TABLE told (
    charger TEXT NOT NULL,
    connector_id INTEGER NOT NULL,
    told TEXT NOT NULL,
    PRIMARY KEY (charger, connector_id)
) WITHOUT ROWID;

CREATE TABLE manners (
    charger TEXT PRIMARY KEY,
    manner TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE modes (
    charger TEXT PRIMARY KEY,
    mode TEXT NOT NULL,
    wished_at INTEGER NOT NULL
) WITHOUT ROWID;
""",
)
