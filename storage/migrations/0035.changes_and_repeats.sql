-- What an operator may change of an open campaign: whether it takes recordings, how many, and until when.
-- depends: 0030.budgets_and_debts

ALTER TABLE campaigns
    ADD COLUMN standing text NOT NULL DEFAULT 'open' CHECK (standing IN ('open', 'paused', 'closed')),
    -- When its quota was last made smaller: who had begun by then keeps a place.
    ADD COLUMN lowered_at timestamptz;

-- Every change with its reason, which contributors read; `told_at` once everybody who takes part has heard of it.
CREATE TABLE campaign_changes (
    id                  uuid PRIMARY KEY DEFAULT uuidv7(),
    campaign_id         uuid NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    at                  timestamptz NOT NULL DEFAULT now(),
    because             text NOT NULL,
    standing_before     text NOT NULL,
    quota_before        int NOT NULL,
    deadline_before     timestamptz,
    standing            text NOT NULL,
    quota               int NOT NULL,
    deadline            timestamptz,
    told_at             timestamptz
);
CREATE INDEX campaign_changes_campaign ON campaign_changes (campaign_id, id DESC);
CREATE INDEX campaign_changes_untold ON campaign_changes (id) WHERE told_at IS NULL;
CREATE FUNCTION keep_campaign_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(NEW) - 'told_at' <> to_jsonb(OLD) - 'told_at' THEN
        RAISE EXCEPTION 'what was changed of a campaign stays written' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER campaign_changes_kept BEFORE UPDATE ON campaign_changes
    FOR EACH ROW EXECUTE FUNCTION keep_campaign_change();

-- When the first take was announced of which this one is another try; null where it is the first.
ALTER TABLE recordings ADD COLUMN begun_at timestamptz;

-- Why a campaign takes nothing new, whatever places are left; null where nothing is in the way.
CREATE FUNCTION campaign_stop(standing text, deadline timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN standing = 'closed' THEN 'closed' WHEN deadline <= now() THEN 'ended'
        WHEN standing = 'paused' THEN 'paused' END
$$;

-- As before, and a place for everybody who had begun, without a quote, when the quota was made smaller.
CREATE OR REPLACE FUNCTION places_taken(campaign uuid, but uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT (SELECT count(*) FROM recordings WHERE campaign_id = campaign AND state IN ('accepted', 'held'))
         + (SELECT count(*) FROM recordings r JOIN balance_transactions paid ON paid.recording_id = r.id
                AND paid.type = 'earning'
            WHERE r.campaign_id = campaign AND r.state IN ('withdrawn', 'deleted', 'erased')
              AND NOT EXISTS (SELECT FROM balance_transactions back WHERE back.reverses = paid.id))
         + (SELECT count(*) FROM quotes q WHERE q.campaign_id = campaign AND q.id IS DISTINCT FROM but AND CASE
                WHEN q.used_at IS NULL THEN q.expires_at > now()
                ELSE q.expires_at > now() - interval '30 days' AND EXISTS (
                    SELECT FROM recordings r WHERE r.quote_id = q.id AND r.state IN
                    ('claimed', 'uploading', 'validating', 'failed', 'needs_fix', 'needs_consent', 'in_review'))
                END)
         + (SELECT count(*) FROM campaigns c JOIN recordings r ON r.campaign_id = c.id AND r.quote_id IS NULL AND
                r.state IN ('claimed', 'uploading', 'validating', 'failed', 'needs_fix', 'needs_consent', 'in_review')
            WHERE c.id = campaign AND c.lowered_at IS NOT NULL AND coalesce(r.begun_at, r.created_at) <= c.lowered_at
              AND coalesce(r.begun_at, r.created_at) > now() - interval '30 days')
$$;

-- Whether a campaign takes one more recording. Who was quoted, or had begun, gets what was announced to them, also when
-- the campaign has become smaller since.
DROP FUNCTION place_left(uuid, uuid);
CREATE FUNCTION place_left(campaign uuid, quote uuid, begun timestamptz DEFAULT NULL) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM quotes q WHERE q.id = quote AND q.expires_at > now() - interval '30 days')
        OR EXISTS (SELECT FROM campaigns c WHERE c.id = campaign AND begun <= c.lowered_at
            AND begun > now() - interval '30 days')
        OR places_taken(campaign, quote) < (SELECT quota_recordings FROM campaigns c WHERE c.id = campaign)
$$;
