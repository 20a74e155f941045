import { BACKUP_BEGIN, BACKUP_LIST } from "../../api/routes/backup.ts";
import type { Member } from "../../node/port.ts";
import { mount, type Mounting, mountMember } from "../mount.ts";

/** Mounts the routes of backups. */
export function mountBackups(mounting: Mounting, member: Member): void {
  mount(
    mounting,
    BACKUP_BEGIN,
    (request, { key }) => member.backups.begin({ ...request, ...key }),
  );
  mountMember(mounting, BACKUP_LIST, member);
}
