"""The tables of the jobs' SQLite file, version by version; several stores share the file."""

FIRST = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    status TEXT NOT NULL,
    created_at_s REAL NOT NULL,
    body TEXT NOT NULL,
    dispatches INTEGER NOT NULL DEFAULT 0,
    canceled INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS jobs_by_status ON jobs (status, created_at_s, number);
CREATE TABLE IF NOT EXISTS events (
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (job_id, seq)
) WITHOUT ROWID;
"""
OWNERS = """
ALTER TABLE jobs ADD COLUMN owner TEXT NOT NULL DEFAULT 'local';
ALTER TABLE jobs ADD COLUMN client_id TEXT;
ALTER TABLE jobs ADD COLUMN expires_at_s REAL;
CREATE INDEX jobs_by_owner ON jobs (owner, id);
CREATE UNIQUE INDEX jobs_by_name ON jobs (owner, client_id) WHERE client_id IS NOT NULL;
CREATE INDEX jobs_by_expiry ON jobs (expires_at_s) WHERE expires_at_s IS NOT NULL;
CREATE TABLE keys (
    owner TEXT NOT NULL,
    key TEXT NOT NULL,
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    created_at_s REAL NOT NULL,
    PRIMARY KEY (owner, key)
) WITHOUT ROWID;
CREATE INDEX keys_by_job ON keys (job_id)
"""
_DELIVERIES = """
CREATE TABLE deliveries (
    id TEXT PRIMARY KEY,
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    site TEXT NOT NULL,
    due_at_s REAL,
    leased_until_s REAL NOT NULL DEFAULT 0,
    claims INTEGER NOT NULL DEFAULT 0,
    body TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX deliveries_by_job ON deliveries (job_id, seq);
CREATE INDEX deliveries_due ON deliveries (due_at_s) WHERE due_at_s IS NOT NULL;
CREATE INDEX deliveries_by_site ON deliveries (site, due_at_s, job_id, seq, leased_until_s)
    WHERE due_at_s IS NOT NULL;
CREATE TABLE disabled_webhooks (
    owner TEXT NOT NULL,
    url TEXT NOT NULL,
    at_s REAL NOT NULL,
    PRIMARY KEY (owner, url)
) WITHOUT ROWID
"""

JOBS_FILE = (FIRST, OWNERS, _DELIVERIES)
"""What brings the file from each version to the next."""
