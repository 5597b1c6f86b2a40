-- Which words the index has, in their order: a look at the index itself, which stores nothing (see `lists/question.rs`).
CREATE VIRTUAL TABLE words_known USING fts5vocab (words, instance);
