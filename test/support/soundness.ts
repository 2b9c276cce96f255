import { expect } from 'vitest';
import { auditPorts } from '../../src/audit/replay.js';
import type { Finding } from '../../src/audit/verify/finding.js';
import { Verifier } from '../../src/audit/verify/verifier.js';
import { VerifyKey } from '../../src/protocol/keys.js';
import { LmdbRoomState } from '../../src/room-state/lmdb.js';
import type { Core } from '../../src/server.js';
import { temporaryFolder } from './folder.js';

/** Expects of a server that everything is folded that was recorded, and that every decision would be taken again. */
export async function expectSound(core: Core): Promise<void> {
  await core.readModels.whenProcessed(core.log.head, 20_000);
  const progress = core.readModels.progress();
  expect(progress.filter(({ quarantined }) => quarantined > 0)).toEqual([]);
  expect(await findingsOf(core)).toEqual([]);
}

/** What `engram verify` finds. */
async function findingsOf(core: Core): Promise<Finding[]> {
  const folder = temporaryFolder();
  const scratch = new LmdbRoomState(folder.path, (error) => {
    throw error;
  });
  const { signingKey, serverName } = core.write.ports;
  const ours = VerifyKey.from(signingKey.publicKey);
  if (ours === undefined) throw new Error('The server’s key has no public half.');
  const keys = new Map([[signingKey.id, ours]]);
  const findings: Finding[] = [];
  try {
    const verifier = new Verifier(auditPorts(core.log, scratch, serverName), {
      keysOf: (server) => (server === serverName ? keys : undefined),
      onFinding: (finding) => findings.push(finding),
    });
    for await (const batch of core.log.readAll()) await verifier.take(batch);
    return findings;
  } finally {
    await scratch.close();
    folder.remove();
  }
}
