-- Why a payout failed or came back, as a code that can be said in every language.
-- depends: 0012.payouts

-- ISO 20022 ExternalStatusReason1Code and ExternalReturnReason1Code, as banks and providers report them.
ALTER TABLE payouts ADD COLUMN failure_code text
    CHECK (failure_code IS NULL OR (state IN ('failed', 'returned') AND failure_code ~ '^[A-Z0-9]{4}$'));
