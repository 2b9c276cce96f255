import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { auditPorts } from '../../src/audit/replay.js';
import { checkEvent } from '../../src/audit/verify/event-checks.js';
import type { Finding } from '../../src/audit/verify/finding.js';
import { Verifier, type VerifierOptions } from '../../src/audit/verify/verifier.js';
import { roomStream } from '../../src/commands/aggregates/room.js';
import { userStream } from '../../src/commands/aggregates/user.js';
import {
  recordForgotten,
  recordStreamForgotten,
  sealedEvents,
  type SealedEvent,
} from '../../src/commands/forgetting/forgotten.js';
import { ban } from '../../src/commands/membership.js';
import { setProfileField } from '../../src/commands/profile.js';
import { redactEvent, sendEvent } from '../../src/commands/room-send.js';
import type { LoggedRecord, RecordBatch } from '../../src/log/log.js';
import type { RecordBody, RecordOf } from '../../src/log/records.js';
import { VerifyKey } from '../../src/protocol/keys.js';
import { ROOM_VERSIONS } from '../../src/protocol/room-versions.js';
import { LmdbRoomState } from '../../src/room-state/lmdb.js';
import { EMPTY_ROOT } from '../../src/room-state/trie.js';
import { uuid } from '../../src/runtime/random.js';
import { temporaryFolder } from '../support/folder.js';
import { forkedRoom, type ForkedRoom } from '../support/forked-room.js';
import { seededRandom } from '../support/seeded-random.js';
import { SERVER, World } from '../support/world.js';

let world: World;
let room: ForkedRoom;
const random = seededRandom('forger');

beforeEach(async () => {
  world = await World.open();
  room = await forkedRoom(world.side, () => world.context());
});
afterEach(async () => {
  await world.close();
});

type Accepted = LoggedRecord & RecordOf<'room.event.accepted'>;

async function accepted(eventId: string): Promise<Accepted> {
  const found = (await world.recordsOf('room.event.accepted')).find(({ data }) => data.event_id === eventId);
  if (found === undefined) throw new Error(`${eventId} was not accepted`);
  return found;
}

/** What a verification of these batches, or of the whole log, finds. */
async function verified(
  options: Partial<VerifierOptions> = {},
  change: (batch: RecordBatch) => RecordBatch = (batch) => batch,
): Promise<{ findings: Finding[]; counts: Verifier['counts'] }> {
  const folder = temporaryFolder();
  const scratch = new LmdbRoomState(folder.path, (error) => {
    throw error;
  });
  try {
    const findings: Finding[] = [];
    const ours = VerifyKey.from(world.ports.signingKey.publicKey);
    if (ours === undefined) throw new Error('no key');
    const keys = new Map([[world.ports.signingKey.id, ours]]);
    const verifier = new Verifier(auditPorts(world.log, scratch, SERVER), {
      keysOf: (server) =>
        server === SERVER ? keys : server === room.two.name ? room.two.verifyKeys : undefined,
      onFinding: (finding) => findings.push(finding),
      ...options,
    });
    for await (const batch of world.log.readAll()) await verifier.take(change(batch));
    await verifier.finish();
    return { findings, counts: verifier.counts };
  } finally {
    await scratch.close();
    folder.remove();
  }
}

/** Changes the records of one event, as the log gives them. */
function changing(
  eventId: string,
  change: (record: Accepted) => LoggedRecord,
): (batch: RecordBatch) => RecordBatch {
  return (batch) => ({
    ...batch,
    records: batch.records.map((record) =>
      record.type === 'room.event.accepted' && record.data.event_id === eventId ? change(record) : record,
    ),
  });
}

async function append(body: RecordBody): Promise<void> {
  const stream = roomStream(room.roomId);
  const metadata = { correlation_id: 'forged', received_at: world.clock.now() };
  await world.log.append(stream, await world.log.revision(stream), [{ ...body, id: uuid(random), metadata }]);
}

const kinds = (findings: readonly Finding[]) => findings.map(({ kind }) => kind);

describe('a log that is as it was written', () => {
  it('has nothing to be found, whatever happened in its rooms', async () => {
    await world.restart();
    const { findings, counts } = await verified();
    expect(findings).toEqual([]);
    expect(counts).toMatchObject({ findings: 0, damaged: 0, signaturesUnchecked: 0, decisionsUnchecked: 0 });
    expect(counts.records).toBe((await world.records()).length);
    expect(counts.events).toBeGreaterThan(12);
  });

  it.each([...ROOM_VERSIONS.keys()])('is verified in room version %s', async (version) => {
    const alice = await world.user('anna');
    const bob = await world.user('ben');
    const roomId = await world.room(alice, { room_version: version, preset: 'public_chat', name: 'Pub' }, [
      bob,
    ]);
    const said = await world.says(bob, roomId, 'Hello');
    const message = { type: 'm.room.redaction', content: {}, redacts: said, transactionId: 'r' };
    await sendEvent(world.side, { userId: alice, deviceId: 'PHONE' }, roomId, message, world.context());
    await world.sets(alice, roomId, 'm.room.member', { membership: 'ban' }, bob);
    const { findings } = await verified();
    expect(findings).toEqual([]);
  });

  it('counts signatures of servers whose keys are not known', async () => {
    const { findings, counts } = await verified({ keysOf: () => undefined });
    expect(findings).toEqual([]);
    expect(counts.signaturesUnchecked).toBe(counts.events);
  });

  it('can be taken as verified up to a position', async () => {
    const { position } = await accepted(room.merged);
    const { findings, counts } = await verified({ from: position }, changing(room.aliceLevels, wrongHash));
    expect(findings).toEqual([]);
    expect(counts.records).toBe(world.log.head - position + 1);
  });
});

function wrongHash(record: Accepted): LoggedRecord {
  return {
    ...record,
    data: { ...record.data, event: { ...record.data.event, hashes: { sha256: 'wrong' } } },
  };
}

describe('a forged record is found', () => {
  it.each([
    ['state_after', { state_after: EMPTY_ROOT }, 'state'],
    ['a root that nothing leads to', { state_after: 'A'.repeat(32) }, 'state'],
    ['extremities', { extremities: [] }, 'state'],
    ['another ID', { event_id: '$another' }, 'event_id'],
    ['data that fits no schema', { extremities: 5 }, 'schema'],
  ] as const)('by %s, and what is right after it is not blamed', async (_name, data, kind) => {
    const { position } = await accepted(room.last);
    const forge = changing(room.last, (record) => {
      const forged = { ...record, data: { ...record.data, ...data } };
      return forged as LoggedRecord;
    });
    const { findings } = await verified({}, forge);
    expect(findings.map((finding) => finding.position)).toContain(position);
    expect(kinds(findings)).toContain(kind);
    expect(findings.every((finding) => finding.position === position)).toBe(true);
  });

  it('by a root in the middle of the room: only it is reported', async () => {
    const forge = changing(room.ban, (record) => ({
      ...record,
      data: { ...record.data, state_after: 'A'.repeat(32) },
    }));
    const { findings } = await verified({}, forge);
    const { position } = await accepted(room.ban);
    expect(new Set(findings.map((finding) => finding.position))).toEqual(new Set([position]));
    expect(findings[0]).toMatchObject({ kind: 'state', event_id: room.ban });
  });

  it('by content that is not what was hashed', async () => {
    const change = changing(room.merged, (record) => ({
      ...record,
      data: { ...record.data, forgettable: { content: { msgtype: 'm.text', body: 'Never said' } } },
    }));
    const { findings } = await verified({}, change);
    expect(kinds(findings)).toEqual(['content_hash']);
    expect(findings[0]?.event_id).toBe(room.merged);
  });

  it("by a signature that is not the sender's", async () => {
    const change = changing(room.merged, (record) => {
      const other = Buffer.alloc(64, 7).toString('base64').replaceAll('=', '');
      const signatures = { [SERVER]: { [world.ports.signingKey.id]: other } };
      return { ...record, data: { ...record.data, event: { ...record.data.event, signatures } } };
    });
    expect(kinds((await verified({}, change)).findings)).toEqual(['signature']);
    const unsigned = changing(room.merged, (record) => {
      return { ...record, data: { ...record.data, event: { ...record.data.event, signatures: {} } } };
    });
    expect(kinds((await verified({}, unsigned)).findings)).toEqual(['signature']);
  });

  it('by a redacted field that is another: the event then has another ID', async () => {
    const change = changing(room.merged, (record) => {
      return { ...record, data: { ...record.data, event: { ...record.data.event, depth: 4 } } };
    });
    expect(kinds((await verified({}, change)).findings)).toEqual(
      expect.arrayContaining(['event_id', 'content_hash', 'signature']),
    );
  });

  it('by an event that the rules refuse and the record calls accepted', async () => {
    const stream = await world.records(roomStream(room.roomId));
    const rejected = stream.find(({ type }) => type === 'room.event.rejected');
    if (rejected?.type !== 'room.event.rejected') throw new Error('nothing was rejected');
    const { rule, reason, ...data } = rejected.data;
    const { findings } = await verified({}, (batch) => ({
      ...batch,
      records: batch.records.map((record) =>
        record.id === rejected.id
          ? { ...rejected, type: 'room.event.accepted', data: { ...data, extremities: [room.last] } }
          : record,
      ),
    }));
    expect(findings[0]).toMatchObject({
      kind: 'decision',
      event_id: room.rejected,
      position: rejected.position,
    });
    expect(findings[0]?.reason).toContain(`rule ${rule}`);
    expect(findings[0]?.reason).toContain(reason);
  });

  it('by a refusal of what the rules allow', async () => {
    const { findings } = await verified({}, (batch) => ({
      ...batch,
      records: batch.records.map((record) => {
        if (record.type !== 'room.event.accepted' || record.data.event_id !== room.last) return record;
        const { extremities, transaction, current, redaction, ...data } = record.data;
        return { ...record, type: 'room.event.rejected', data: { ...data, rule: '5', reason: 'No.' } };
      }),
    }));
    expect(findings.map(({ reason }) => reason)).toEqual(['Recorded as rejected, but it is accepted']);
  });

  it('when it really is in the log: appended again, with its state wrong', async () => {
    const last = await accepted(room.last);
    await append({ type: last.type, version: 1, data: { ...last.data, state_before: EMPTY_ROOT } });
    const { findings } = await verified();
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ kind: 'decision', reason: 'Its event was recorded before.' });
    expect(findings[0]?.position).toBe(world.log.head);
  });

  it('when it really is in the log: an event that resolved state wrongly', async () => {
    const merged = await accepted(room.merged);
    expect(merged.data.resolution ?? merged.data.state_before).toBeDefined();
    const change = changing(room.bobLevels, (record) => {
      const { current, ...data } = record.data;
      return { ...record, data };
    });
    const { findings } = await verified({}, change);
    expect(findings[0]).toMatchObject({ kind: 'state', event_id: room.bobLevels });
    expect(findings[0]?.reason).toContain('current state');
  });
});

describe('a gap is found', () => {
  it('in a stream, and what cannot be decided any more is said once', async () => {
    const { findings, counts } = await verified({}, (batch) => ({
      ...batch,
      records: batch.records.filter(
        (record) => record.type !== 'room.event.accepted' || record.data.event_id !== room.bobJoined,
      ),
    }));
    expect(kinds(findings)).toEqual(['order', 'undecidable']);
    expect(counts.decisionsUnchecked).toBeGreaterThan(1);
  });
});

describe('forgotten content', () => {
  it('leaves the rest to be verified', async () => {
    const change = changing(room.merged, (record) => {
      const { forgettable, ...data } = record.data;
      return { ...record, data, forgotten: true };
    });
    const event = { room_id: room.roomId, room_version: '11', event_id: room.merged };
    const { stream, revision } = await accepted(room.merged);
    const places = [{ stream, from: revision, to: revision }];
    await recordForgotten(world.side, { cause: 'redacted' }, [{ event, places }], world.context());
    const { findings, counts } = await verified({}, change);
    expect(findings).toEqual([]);
    expect(counts).toMatchObject({ contentsForgotten: 1, contentsRedacted: 0 });
  });

  it('leaves the rest to be verified, whatever it is that is forgotten', async () => {
    const { side, log } = world;
    const context = world.context();
    const why = { cause: 'erased' } as const;
    const stream = roomStream(room.roomId);
    const batches: RecordBatch[] = [];
    for await (const batch of log.read(stream)) batches.push(batch);
    let forgotten = 0;
    for (const some of [(n: number) => n % 3 === 0, (n: number) => n % 2 === 0, () => true]) {
      const events = batches.flatMap((batch) => sealedEvents(batch, ({ revision }) => some(revision)));
      forgotten = events.length;
      await recordForgotten(side, why, events, context);
      await log.forget(events.flatMap(({ places }) => places));
      const { findings, counts } = await verified();
      expect(findings).toEqual([]);
      expect(counts.contentsForgotten).toBeGreaterThanOrEqual(forgotten);
    }
    expect(forgotten).toBeGreaterThan(3);
  });

  it.each(['1', '6', '9', '10', '11', '12'])(
    'in a room of version %s, of all that anybody said, leaves the rest to be verified',
    async (room_version) => {
      const [alice, bob] = [await world.user('anna'), await world.user('ben')];
      await setProfileField(world.side, bob, 'displayname', 'Ben', world.context());
      const more = { name: 'Pub', topic: 'Beer', invite: [bob] };
      const roomId = await world.room(alice, { room_version, preset: 'public_chat', ...more }, [bob]);
      const levels = { users: { [alice]: 100, [bob]: 50 }, notifications: { room: 70 } };
      if (room_version !== '12') await world.sets(alice, roomId, 'm.room.power_levels', levels);
      const said = await world.says(bob, roomId, 'Rude words');
      const device = { userId: alice, deviceId: 'PHONE' };
      const redaction = { target: said, content: { reason: 'Rude' }, transactionId: 'r' };
      await redactEvent(world.side, device, roomId, redaction, world.context());
      await ban(world.side, alice, roomId, bob, { reason: 'Rude' }, world.context());
      await world.sets(alice, roomId, 'm.room.topic', { topic: 'Wine' });
      const events: SealedEvent[] = [];
      for await (const batch of world.log.read(roomStream(roomId))) {
        events.push(...sealedEvents(batch, () => true));
      }
      await recordForgotten(world.side, { cause: 'redacted' }, events, world.context());
      await world.log.forget(events.flatMap(({ places }) => places));
      const { findings, counts } = await verified();
      expect(findings).toEqual([]);
      expect(counts.contentsForgotten).toBe(events.length);
      expect(events.length).toBeGreaterThan(6);
    },
  );

  it('of an account leaves the rest to be verified', async () => {
    const user = await world.user('olga');
    await setProfileField(world.side, user, 'displayname', 'Olga', world.context());
    const place = { stream: userStream(user), from: 0, to: await world.log.revision(userStream(user)) };
    await recordStreamForgotten(world.side, { cause: 'erased', user_id: user }, place, world.context());
    await world.log.forget([place]);
    expect((await verified()).findings).toEqual([]);
  });

  it('is found where nothing says that it was to be forgotten', async () => {
    const merged = await accepted(room.merged);
    const { stream, revision, position } = merged;
    await world.log.forget([{ stream, from: revision, to: revision }]);
    const { findings } = await verified();
    expect(findings).toMatchObject([
      { kind: 'forgotten', stream, revision, position, event_id: room.merged },
    ]);
  });

  it('that another server sent with a wrong hash was redacted on receipt', async () => {
    const bob = await accepted(room.bobLevels);
    const { forgettable, ...data } = bob.data;
    const record = { ...bob, data: { ...data, event: { ...data.event, hashes: { sha256: 'wrong' } } } };
    expect(checkEvent(record, SERVER, () => undefined).contentMissing).toBe('redacted');
    expect(checkEvent(record, 'two.example', () => undefined).faults.map(({ kind }) => kind)).toContain(
      'content_hash',
    );
  });
});
