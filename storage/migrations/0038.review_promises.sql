-- What waits for a person is found without looking at everything else, by people and by the clock that keeps promises.
-- depends: 0008.renderings

CREATE INDEX recordings_in_review ON recordings (updated_at, id) WHERE state = 'in_review';
