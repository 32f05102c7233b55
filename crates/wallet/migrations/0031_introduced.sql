-- A wallet that was in use before it could introduce itself is no new one.
INSERT INTO setting (name, value) SELECT 'introduced', '1' WHERE EXISTS (SELECT 1 FROM setting WHERE name = 'device_id');
