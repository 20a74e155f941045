import { LOCKS_VIEW } from "../statement/rules.ts";

/** The function that tells the view what time it is; NULL where the last entry's clock is the time. */
export const CLOCK_FUNCTION = "_hql_clock";

/**
 * Where leases and locks are kept. Without rowids, so that what entries do here shows in no
 * `last_insert_rowid()`. Of several holders with one name the view has a row each.
 */
export const LOCK_TABLES = `
CREATE TABLE main._hql_leases (
  id INTEGER PRIMARY KEY,
  ttl INTEGER NOT NULL,
  deadline INTEGER NOT NULL,
  owner TEXT NOT NULL,
  single INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX main._hql_leases_due ON _hql_leases (deadline, id);
CREATE TABLE main._hql_locks (
  name TEXT NOT NULL,
  token INTEGER NOT NULL,
  lease INTEGER NOT NULL,
  ticket INTEGER NOT NULL,
  permits INTEGER NOT NULL,
  max INTEGER NOT NULL,
  claim_by INTEGER,
  value TEXT NOT NULL,
  PRIMARY KEY (name, token)
) WITHOUT ROWID;
CREATE INDEX main._hql_locks_lease ON _hql_locks (lease, token);
CREATE INDEX main._hql_locks_due ON _hql_locks (claim_by, token)
  WHERE claim_by IS NOT NULL;
CREATE TABLE main._hql_lock_waiters (
  name TEXT NOT NULL,
  ticket INTEGER NOT NULL,
  lease INTEGER NOT NULL,
  permits INTEGER NOT NULL,
  max INTEGER NOT NULL,
  until INTEGER NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (name, ticket)
) WITHOUT ROWID;
CREATE INDEX main._hql_lock_waiters_lease ON _hql_lock_waiters (lease, ticket);
CREATE INDEX main._hql_lock_waiters_due ON _hql_lock_waiters (until, ticket);
CREATE TABLE main._hql_lock_tokens (last INTEGER NOT NULL);
INSERT INTO main._hql_lock_tokens VALUES (0);
CREATE VIEW main.${LOCKS_VIEW} AS
  SELECT held.name AS name, held.token AS token, lease.owner AS owner,
    held.value AS value, held.permits AS permits, held.max AS max_permits,
    held.claim_by IS NULL AS claimed,
    min(lease.deadline, coalesce(held.claim_by, lease.deadline)) - now.clock
      AS remaining_ms,
    (SELECT count(*) FROM _hql_lock_waiters AS waiting
      WHERE waiting.name = held.name) AS waiting,
    held.lease AS lease, held.ticket AS ticket
  FROM _hql_locks AS held
  JOIN _hql_leases AS lease ON lease.id = held.lease
  JOIN (SELECT coalesce(${CLOCK_FUNCTION}(), clock) AS clock FROM _hql_meta)
    AS now
  WHERE lease.deadline > now.clock
    AND coalesce(held.claim_by > now.clock, 1);
`;
