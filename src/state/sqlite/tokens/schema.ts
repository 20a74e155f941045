/** Where tokens are kept. Without rowids, so that what entries do here shows in no `last_insert_rowid()`. `caches` is a JSON array. */
export const TOKENS_TABLE = `
CREATE TABLE main._hql_tokens (
  id TEXT PRIMARY KEY,
  digest BLOB NOT NULL,
  name TEXT NOT NULL,
  scope TEXT NOT NULL,
  caches TEXT,
  expires INTEGER,
  created INTEGER NOT NULL
) WITHOUT ROWID;
`;
