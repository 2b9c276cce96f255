import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LogFormatError } from '../log/errors.js';
import { requireKnownRecords, SERVER_STREAM, WRITTEN_RECORDS } from '../log/known-records.js';
import type { Log, LoggedRecord } from '../log/log.js';
import type { RecordBody } from '../log/records.js';
import { WRONG_KEY } from '../log/sealing.js';
import { encodeBase64 } from '../protocol/base64.js';
import { generateSigningKey, parseSigningKey, printSigningKey, type SigningKey } from '../protocol/keys.js';
import { makeFileDurably } from '../runtime/durable-file.js';
import type { Random } from '../runtime/random.js';
import type { WriteSide } from '../commands/write-side.js';

/** The server's signing key, made at the first start; losing it means that other servers cannot check our events. */
export function openSigningKey(folder: string, random: Random): SigningKey {
  const file = join(folder, 'signing.key');
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const key = generateSigningKey((length) => random.bytes(length));
    // Of processes that start together one makes it, and all take it.
    makeFileDurably(file, Buffer.from(`${printSigningKey(key)}\n`));
  }
  const text = readFileSync(file, 'utf8').trim();
  try {
    return parseSigningKey(text);
  } catch (error) {
    // A new one would not be ours to other servers.
    const reason = error instanceof Error ? error.message : String(error);
    throw new LogFormatError(`${file} is damaged; restore it from a backup. (${reason}.)`);
  }
}

/**
 * A log belongs to one server name for good, and its content opens with one seal key: the first process to open it
 * says so, and every later one is held to it. A new signing key is a fact, too, and which records the log may hold from
 * here on: an older program refuses it.
 *
 * @throws LogFormatError where name or seal key are others, or the log is a newer program's
 */
export async function claimLog(
  log: Log,
  serverName: string,
  signingKey: SigningKey,
  write: Pick<WriteSide, 'ports' | 'others'>,
): Promise<void> {
  const context = { correlationId: 'start', now: write.ports.clock.now() };
  const record = {
    key_id: signingKey.id,
    public_key: encodeBase64(signingKey.publicKey),
  };
  const held = await requireKnownRecords(log);
  const known = await readClaim(log, serverName);
  const isKeyKnown = known.keys.some(
    ({ key_id, public_key }) => key_id === record.key_id && public_key === record.public_key,
  );
  const records: RecordBody[] = [];
  if (!known.isNamed) {
    records.push({ type: 'server.initialised', version: 1, data: { server_name: serverName } });
  }
  if (!isKeyKnown) {
    records.push({ type: 'server.key.adopted', version: 1, data: { ...record, proof: serverName } });
  }
  if (WRITTEN_RECORDS.some((name) => !held.has(name))) {
    records.push({ type: 'server.upgraded', version: 1, data: { records: WRITTEN_RECORDS } });
  }
  if (records.length === 0) return;
  await write.others.handle(SERVER_STREAM, context, () => ({ records, result: undefined }));
  // Of processes that open a new log together each may have said so: what the first one said holds.
  await readClaim(log, serverName);
}

interface Claim {
  readonly isNamed: boolean;
  readonly keys: readonly { readonly key_id: string; readonly public_key: string }[];
}

/** @throws LogFormatError */
async function readClaim(log: Log, serverName: string): Promise<Claim> {
  const keys: Claim['keys'][number][] = [];
  let isNamed = false;
  for await (const batch of log.read(SERVER_STREAM)) {
    for (const { reason } of batch.damaged) {
      if (reason !== WRONG_KEY) continue;
      throw new LogFormatError(
        'The seal key in the data folder is not the one that this log is sealed with: put that one there.',
      );
    }
    for (const record of batch.records) {
      if (record.type === 'server.initialised') {
        isNamed = true;
        requireName(record, serverName);
      }
      if (record.type === 'server.key.adopted') keys.push(record.data);
    }
  }
  return { isNamed, keys };
}

function requireName(record: LoggedRecord & { data: { server_name: string } }, serverName: string): void {
  if (record.data.server_name === serverName) return;
  throw new LogFormatError(
    `This log belongs to the server ${record.data.server_name}, and the configuration says ${serverName}.`,
  );
}
