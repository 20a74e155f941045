import type { ByteReader, ByteWriter } from "../../util/bytes.ts";
import { MalformedBytesError } from "../../util/bytes.ts";
import { hexOfInt64, int64OfHex } from "../../util/int64.ts";
import type { HostedMark, PeerIdentity } from "../port.ts";

const FIELD_BYTES_MAX = 255;
const GROUPS_MAX = 16;

/** Appends an identity. */
export function writeIdentity(
  writer: ByteWriter,
  identity: PeerIdentity,
): void {
  writer.text(identity.id).text(identity.clusterId);
  writer.text(identity.raftAddress).text(identity.apiAddress);
  writer.u32(identity.level).u8(identity.groups.length);
  for (const { group, mark } of identity.groups) {
    writer.u32(group).i64(int64OfHex(mark));
  }
  writer.text(identity.engine);
}

/** Reads what {@linkcode writeIdentity} wrote. @throws {MalformedBytesError} for anything else. */
export function readIdentity(reader: ByteReader): PeerIdentity {
  const id = readField(reader);
  if (!/^[1-9][0-9]{0,8}\.[0-9a-f]{16}$/.test(id)) {
    throw new MalformedBytesError("not a member id");
  }
  const clusterId = readField(reader);
  const raftAddress = readField(reader);
  const apiAddress = readField(reader);
  const level = reader.u32();
  const groups = readGroups(reader);
  const engine = readField(reader);
  return {
    id,
    clusterId,
    raftAddress,
    apiAddress,
    level,
    groups,
    engine,
  };
}

function readGroups(reader: ByteReader): HostedMark[] {
  const count = reader.u8();
  if (count > GROUPS_MAX) {
    throw new MalformedBytesError(
      `a member hosts ${GROUPS_MAX} groups at most`,
    );
  }
  return Array.from({ length: count }, () => ({
    group: reader.u32(),
    mark: hexOfInt64(reader.i64()),
  }));
}

/** Printable ASCII, because it ends up in log lines before it is proven. */
function readField(reader: ByteReader): string {
  const text = reader.text();
  if (text.length > FIELD_BYTES_MAX || !/^[\x20-\x7e]*$/.test(text)) {
    throw new MalformedBytesError("an identity field is too long or not ASCII");
  }
  return text;
}
