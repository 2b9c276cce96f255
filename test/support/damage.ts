import { join } from 'node:path';
import { open } from 'lmdb';
import { positionKey } from '../../src/log/lmdb-format.js';

/** Changes one bit of a stored record's data, as a bad disk would. No other process may have the log open. */
export async function damageRecord(dataFolder: string, position: number): Promise<void> {
  const root = open<Buffer, Buffer>(join(dataFolder, 'log', 'log.mdb'), {
    noSubdir: true,
    maxDbs: 8,
    overlappingSync: false,
  });
  const records = root.openDB<Buffer, Buffer>('records', { encoding: 'binary', keyEncoding: 'binary' });
  const bytes = records.getBinary(positionKey(position));
  if (bytes === undefined) throw new Error(`Nothing is stored at ${position}.`);
  const at = bytes.byteLength - 10;
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  records.putSync(positionKey(position), bytes);
  await root.close();
}
