-- What a campaign is for, and the buyer that asked for it where there is one: told before anybody records.
-- depends: 0042.notifications

ALTER TABLE campaigns
    ADD COLUMN purpose text CHECK (purpose <> ''),
    ADD COLUMN buyer_id uuid REFERENCES buyers;
