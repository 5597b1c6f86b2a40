-- The index of words is merged out of eight segments and not four, so that each word is written over again two times in three
-- only. A search looks into a few more segments for it, which cost it microseconds.
INSERT INTO words (words, rank) VALUES ('automerge', 8);
