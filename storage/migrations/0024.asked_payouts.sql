-- A payment provider is asked for payouts of which it says nothing: its report may have been lost.
-- depends: 0012.payouts

ALTER TABLE payouts ADD COLUMN asked_at timestamptz;
CREATE INDEX payouts_paid ON payouts (updated_at) WHERE state = 'paid';
