-- A recording whose pieces the store lost before they were examined: only those are asked for again.
-- depends: 0003.recordings

INSERT INTO recording_edges (from_state, to_state) VALUES ('validating', 'uploading');
