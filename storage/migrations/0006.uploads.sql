-- What uploads rest on: custody of the final object, a contributor's data budget, and workers that can examine.
-- depends: 0005.signing_keys

-- When the final object was read back whole and, on the embedded store, synced to disk; a custody receipt states it.
ALTER TABLE recordings ADD COLUMN secured_at timestamptz;

-- What a contributor lets their phone spend on this service.
CREATE TABLE data_budgets (
    account_id      uuid PRIMARY KEY REFERENCES accounts,
    bytes_per_day   bigint CHECK (bytes_per_day > 0),
    wifi_only       boolean NOT NULL DEFAULT false,
    updated_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Which workers live, and whether their machine isolates a decoder as it must. Nothing is taken in while every living
-- worker says no: it could never be examined.
CREATE TABLE examiners (
    worker          uuid PRIMARY KEY,
    isolates        boolean NOT NULL,
    seen_at         timestamptz NOT NULL DEFAULT clock_timestamp()
);
