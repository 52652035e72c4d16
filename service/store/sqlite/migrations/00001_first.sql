-- +goose Up
-- Times are microseconds since 1970, UTC.

CREATE TABLE accounts (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	email TEXT NOT NULL UNIQUE,
	created BIGINT NOT NULL,
	seen BIGINT NOT NULL
);

-- One line for each source that registers, so that registrations of one source
-- wait for each other.
CREATE TABLE sources (
	source TEXT PRIMARY KEY,
	seen BIGINT NOT NULL
);

CREATE TABLE registrations (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	source TEXT NOT NULL,
	at BIGINT NOT NULL,
	-- false for one over the limit of its address: it counts for its source only.
	accepted BOOLEAN NOT NULL
);
CREATE INDEX registrations_account ON registrations (account_id, at);
CREATE INDEX registrations_source ON registrations (source, at);
CREATE INDEX registrations_at ON registrations (at);

CREATE TABLE mails (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	terms_version TEXT NOT NULL,
	accepted BIGINT NOT NULL,
	attempts BIGINT NOT NULL DEFAULT 0,
	next BIGINT NOT NULL,
	last_error TEXT NOT NULL DEFAULT '',
	dead BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX mails_next ON mails (next) WHERE NOT dead;
CREATE INDEX mails_account ON mails (account_id);

CREATE TABLE tokens (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	account_id BIGINT NOT NULL REFERENCES accounts (id),
	hash BLOB NOT NULL UNIQUE,
	terms_version TEXT NOT NULL,
	terms_accepted BIGINT NOT NULL,
	created BIGINT NOT NULL,
	confirmed BIGINT,
	last_used BIGINT,
	revoked BIGINT,
	scan_limit BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX tokens_account ON tokens (account_id);
CREATE INDEX tokens_unconfirmed ON tokens (created) WHERE confirmed IS NULL;

-- The scans that are counted of a day, which is its number since 1970.
CREATE TABLE usage (
	token_id BIGINT NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
	day BIGINT NOT NULL,
	used BIGINT NOT NULL,
	PRIMARY KEY (token_id, day)
);
CREATE INDEX usage_day ON usage (day);

CREATE TABLE scans (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	token_id BIGINT NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
	image TEXT NOT NULL,
	platform TEXT NOT NULL,
	at BIGINT NOT NULL,
	os TEXT NOT NULL,
	packages BIGINT NOT NULL,
	pass BOOLEAN NOT NULL,
	database TEXT NOT NULL,
	findings BLOB NOT NULL -- JSON, compressed with zstd
);
CREATE INDEX scans_image ON scans (token_id, image, at);
CREATE INDEX scans_at ON scans (at);

CREATE TABLE watched (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	token_id BIGINT NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
	image TEXT NOT NULL,
	platform TEXT NOT NULL,
	scan_id BIGINT NOT NULL REFERENCES scans (id) ON DELETE CASCADE,
	inventory BLOB NOT NULL,
	UNIQUE (token_id, image, platform)
);
CREATE INDEX watched_scan ON watched (scan_id);

CREATE TABLE webhooks (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	token_id BIGINT NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
	url TEXT NOT NULL,
	secret BLOB NOT NULL,
	created BIGINT NOT NULL
);
CREATE INDEX webhooks_token ON webhooks (token_id);

CREATE TABLE deliveries (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	webhook_id BIGINT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
	body BLOB NOT NULL,
	created BIGINT NOT NULL,
	attempts BIGINT NOT NULL DEFAULT 0,
	next BIGINT NOT NULL,
	last_error TEXT NOT NULL DEFAULT '',
	dead BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX deliveries_next ON deliveries (next) WHERE NOT dead;
CREATE INDEX deliveries_webhook ON deliveries (webhook_id);
