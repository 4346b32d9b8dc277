-- Two ways to say no before anything is sold: not now, because a device is lost, and not to this company.
-- depends: 0040.answers_in_time

-- Since when nothing of this account is sold and nobody may agree to anything in its name; null when nothing is paused.
ALTER TABLE accounts ADD COLUMN consent_paused_at timestamptz;

-- Companies that get nothing of somebody's; `folded` is the name as screening compares it.
CREATE TABLE refused_companies (
    account_id          uuid NOT NULL REFERENCES accounts,
    folded              text NOT NULL CHECK (folded <> ''),
    name                text NOT NULL,
    since               timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, folded)
);
