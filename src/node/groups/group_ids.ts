/** A group's number on the wire, u32; the same on every member, and never used again for another group. */
export type GroupId = number;

/** The group of the SQLite database. */
export const DATABASE_GROUP: GroupId = 0;
