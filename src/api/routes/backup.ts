import type { BackupRequest } from "../../node/backup_port.ts";
import type { BackupRecord } from "../../state/backups/types.ts";
import {
  backupFromJson,
  backupToJson,
  type JsonBackup,
} from "../backup_json.ts";
import { fieldsOf, timeoutField } from "../fields.ts";
import { arrayOf, INTEGER, object, reference } from "../json_schema.ts";
import type { MemberRoute } from "../route.ts";

const PATH = "/api/v1/backup";

/** `POST /api/v1/backup` */
export const BACKUP_BEGIN: MemberRoute<BackupRequest, BackupRecord> = {
  method: "POST",
  path: PATH,
  summary:
    "Begin a backup. Some member takes it; GET the same path tells what becomes of it.",
  scope: "admin",
  repeat: "keyed",
  request: {
    schema: object({ timeout_ms: INTEGER }, []),
    encode: (_request, timeoutMs) => ({ timeout_ms: timeoutMs }),
    decode: (json) => timeoutField(fieldsOf(json, ["timeout_ms"])),
  },
  reply: {
    format: "json",
    statuses: { 200: "It is begun." },
    schema: reference("Backup"),
    encode: backupToJson,
    decode: (body) => backupFromJson(body as JsonBackup),
  },
  ask: (member, request) => member.backups.begin(request),
};

/** `GET /api/v1/backup` */
export const BACKUP_LIST: MemberRoute<void, readonly BackupRecord[]> = {
  method: "GET",
  path: PATH,
  summary: "The last hundred backups, as this member knows them.",
  scope: "read",
  repeat: "safe",
  reply: {
    format: "json",
    statuses: { 200: "Done." },
    schema: object({ backups: arrayOf(reference("Backup")) }),
    encode: (backups) => ({ backups: backups.map(backupToJson) }),
    decode: (body) =>
      (body as { readonly backups: readonly JsonBackup[] }).backups
        .map(backupFromJson),
  },
  ask: (member) => member.backups.list(),
};

/** The routes of backups. */
export const BACKUP_ROUTES = { BACKUP_BEGIN, BACKUP_LIST };
