import { hash } from 'node:crypto';
import { MAX_APPEND_BYTES, rawBytes, type RawLog, type RawRecord, type RawStored } from './adapter.js';
import { DamageError, encode, open, recordText, type OpenedRecord, type RecordText } from './codec.js';
import { isObject } from './json.js';
import type { RecordMetadata } from './log.js';
import { namedUuid } from './named-uuid.js';
import { START, type Position } from './position.js';
import type { LogCommittedV1 } from './records.js';

export const PAGE = 'log.page';
export const COMMIT = 'log.committed';
const VERSION = 1;

/** Room in a page for its own envelope: a record of the largest size still fits a page alone. */
export const PAGE_ENVELOPE_BYTES = 2_048;

/** Staged records as pages for a staging stream, each within the limit of an append, and what the commit says. */
export function toPages(
  texts: readonly RecordText[],
  staging: string,
  metadata: RecordMetadata,
  ids: () => string,
): { readonly pages: readonly RawRecord[]; readonly commit: LogCommittedV1 } {
  const pages: RawRecord[] = [];
  const digest: string[] = [];
  let members: string[] = [];
  let bytes = 0;
  const finish = (): void => {
    const data = `{"records":[${members.join(',')}]}`;
    const text: RecordText = { ...recordText(ids(), PAGE, VERSION, {}, metadata), data };
    pages.push(encode(text, staging, pages.length));
    digest.push(hash('sha256', data, 'base64url'));
    members = [];
    bytes = 0;
  };
  for (const { id, type, data, metadata: own } of texts) {
    const member = `{"id":"${id}","type":"${type}","data":${data},"metadata":${own}}`;
    const size = Buffer.byteLength(member) + 1;
    if (members.length > 0 && bytes + size > MAX_APPEND_BYTES - PAGE_ENVELOPE_BYTES) finish();
    members.push(member);
    bytes += size;
  }
  finish();
  return {
    pages,
    commit: {
      staging_stream: staging,
      pages: pages.length,
      records: texts.length,
      digest: hash('sha256', digest.join(), 'base64url'),
    },
  };
}

/** The ID of the commit of these records: the same whenever the same append is repeated. */
export function commitId(ids: readonly string[]): string {
  return namedUuid(ids.join());
}

export function commitRecord(
  commit: LogCommittedV1,
  id: string,
  stream: string,
  revision: number,
  metadata: RecordMetadata,
): RawRecord {
  return encode(recordText(id, COMMIT, VERSION, { ...commit }, metadata), stream, revision);
}

/** Writes pages, as many at once as the limit allows; gives the position of the last when all are on disk. */
export async function writePages(
  raw: RawLog,
  staging: string,
  pages: readonly RawRecord[],
): Promise<Position> {
  let from = 0;
  let last = START;
  while (from < pages.length) {
    let to = from;
    let bytes = 0;
    for (let page = pages[to]; page !== undefined; page = pages[++to]) {
      bytes += rawBytes(page);
      if (bytes > MAX_APPEND_BYTES) break;
    }
    const { positions } = await raw.append(staging, from - 1, pages.slice(from, to));
    last = positions.at(-1) ?? last;
    from = to;
  }
  return last;
}

/**
 * The staged records that a commit brings in, in order.
 *
 * @throws DamageError when pages are missing, damaged, or not those that were committed
 */
export async function readPages(
  raw: RawLog,
  commit: LogCommittedV1,
  verify: (page: RawStored) => OpenedRecord,
): Promise<OpenedRecord[]> {
  const records: OpenedRecord[] = [];
  const digest: string[] = [];
  // Pages beyond those committed would be a fault; they have no meaning and are not looked at.
  outer: for await (const batch of raw.readStream(commit.staging_stream, { direction: 'forwards' })) {
    for (const page of batch.records) {
      if (page.revision !== digest.length) break outer;
      if (digest.length === commit.pages) break outer;
      digest.push(hash('sha256', page.data, 'base64url'));
      const { records: members } = verify(page).data;
      if (!Array.isArray(members)) throw new DamageError('A page of it has no records.');
      for (const member of members as unknown[]) records.push(toRecord(member));
    }
  }
  if (digest.length !== commit.pages || records.length !== commit.records) {
    throw new DamageError(`Its pages in ${commit.staging_stream} are not all there.`);
  }
  if (hash('sha256', digest.join(), 'base64url') !== commit.digest) {
    throw new DamageError(`Its pages in ${commit.staging_stream} are not those committed.`);
  }
  return records;
}

function toRecord(member: unknown): OpenedRecord {
  if (!isObject(member) || typeof member['id'] !== 'string' || typeof member['type'] !== 'string') {
    throw new DamageError('A page of it holds something else than records.');
  }
  return open(member['id'], member['type'], member['data'], member['metadata']);
}
