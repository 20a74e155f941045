/**
 * What is changed in SQLite's source before it is compiled, so that no single call of a
 * function holds a thread that is told to stop. SQLite looks for an interrupt between the
 * steps of its programs, and a few functions take time that grows with the product of
 * two lengths: `instr()` over 60 and 30 MB takes hours. Each of their loops ends early, and
 * whatever they return then is not used, for the step that called them ends as interrupted.
 * A call that nobody interrupts returns what it always did.
 */

import { HEARS_INTERRUPTS } from "../src/state/sqlite/driver/ffi/library.ts";

/** One place of the source that is changed. */
export interface Change {
  /** Whose loop it is. */
  readonly of: string;
  /** A text of the source that is there `times` times. */
  readonly at: string;
  readonly times?: number;
  /** What stands there instead. */
  readonly put: string;
}

const isInterrupted = (db: string): string =>
  `AtomicLoad(&(${db})->u1.isInterrupted)`;
const OF_CONTEXT = isInterrupted("sqlite3_context_db_handle(context)");

/** All of them. */
export const CHANGES: readonly Change[] = [
  {
    of: "the step that calls a function",
    at: `  /* If the function returned an error, throw an exception */
  if( pCtx->isError ){
    if( pCtx->isError>0 ){`,
    put: `  if( ${isInterrupted("db")} ){
    pCtx->isError = 0;
    goto abort_due_to_interrupt;
  }

  /* If the function returned an error, throw an exception */
  if( pCtx->isError ){
    if( pCtx->isError>0 ){`,
  },
  {
    of: "instr()",
    at: `      N++;
      do{
        nHaystack--;`,
    put: `      N++;
      if( ${OF_CONTEXT} ) break;
      do{
        nHaystack--;`,
  },
  {
    of: "replace()",
    at: "for(i=j=0; i<=loopLimit; i++){",
    put: `for(i=j=0; i<=loopLimit && !${isInterrupted("db")}; i++){`,
  },
  {
    of: "trim(), ltrim() and rtrim()",
    at: `      while( nIn>0 ){
        unsigned int len = 0;`,
    times: 2,
    put: `      while( nIn>0 && !${OF_CONTEXT} ){
        unsigned int len = 0;`,
  },
  {
    of: "LIKE and GLOB: whose connection it is",
    at: `  u8 noCase;            /* true to ignore case differences */
};`,
    put: `  u8 noCase;            /* true to ignore case differences */
  sqlite3 *db;          /* Whose interrupt ends it, or none */
};`,
  },
  {
    of: "LIKE and GLOB: each place that is tried",
    at: `  while( (c = Utf8Read(zPattern))!=0 ){
    if( c==matchAll ){  /* Match "*" */`,
    put: `  if( pInfo->db && ${isInterrupted("pInfo->db")} ){
    return SQLITE_NOWILDCARDMATCH;
  }
  while( (c = Utf8Read(zPattern))!=0 ){
    if( c==matchAll ){  /* Match "*" */`,
  },
  {
    of: "LIKE and GLOB: as functions",
    at: `  zB = sqlite3_value_text(argv[0]);
  zA = sqlite3_value_text(argv[1]);
  if( zA && zB ){`,
    put:
      `  if( pInfo!=&backupInfo ) memcpy(&backupInfo, pInfo, sizeof(backupInfo));
  pInfo = &backupInfo;
  backupInfo.db = db;
  zB = sqlite3_value_text(argv[0]);
  zA = sqlite3_value_text(argv[1]);
  if( zA && zB ){`,
  },
  {
    of: "json_patch()",
    at: `      int isEqual;   /* true if the patch and target labels match */
`,
    put: `      int isEqual;   /* true if the patch and target labels match */
      if( pTarget->db && ${isInterrupted("pTarget->db")} ){
        return JSON_MERGE_BADPATCH;
      }
`,
  },
  {
    of: "functions of JSON that take many paths",
    at: `  u32 i, j, k, nKey, sz, n, iEnd, rc;
  const char *zKey;
  u8 x;
`,
    put: `  u32 i, j, k, nKey, sz, n, iEnd, rc;
  const char *zKey;
  u8 x;

  if( pParse->db && ${isInterrupted("pParse->db")} ){
    return JSON_LOOKUP_ERROR;
  }
`,
  },
];

/**
 * The source with all changes made.
 * @throws {Error} naming a change whose place is not there as often as it should be.
 */
export function hearInterrupts(source: string): string {
  let changed = source;
  for (const { of, at, times = 1, put } of CHANGES) {
    const parts = changed.split(at);
    if (parts.length !== times + 1) {
      throw new Error(
        `${of}: the place to change is there ${
          parts.length - 1
        } times, not ${times}; look at this version of SQLite and at native/hear_interrupts.ts`,
      );
    }
    changed = parts.join(put);
  }
  return `${changed}\nSQLITE_API int ${HEARS_INTERRUPTS}(void){ return 1; }\n`;
}
