-- Answers that showed a secret of which only a hash is to be kept lay here in the clear; from now on they are encrypted.
-- depends: 0001.accounts

DELETE FROM idempotency_keys WHERE position('"ccb_'::bytea IN body) > 0 OR position('"whsec_'::bytea IN body) > 0;
