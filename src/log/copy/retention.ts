import type { RawLog } from '../adapter.js';
import type { Retention } from '../log.js';
import type { Position } from '../position.js';
import { firstShown } from './finding.js';

/** What copying a stream's retention needs. */
export interface RetentionPorts {
  readonly source: RawLog;
  readonly target: RawLog;
  /** Up to here the source has been copied. */
  readonly copied: Position;
  /** Holds revisions of a stream in the target, from one to another, for records that are gone. */
  readonly fill: (stream: string, from: number, to: number) => Promise<void>;
}

/**
 * Gives every stream of the target the retention of the source, and sees that it shows nothing that the source does
 * not show any more: placeholders, and what was copied before it was gone. A stream whose records are all gone goes on
 * at its revision.
 *
 * @returns whether something was gone before it could be copied: then copying on shows what came after it
 */
export async function copyRetention(ports: RetentionPorts): Promise<boolean> {
  let isOutrun = false;
  for await (const stream of ports.source.retained()) {
    isOutrun = (await copyOne(ports, stream)) || isOutrun;
  }
  return isOutrun;
}

async function copyOne({ source, target, copied, fill }: RetentionPorts, stream: string): Promise<boolean> {
  const retention = await source.retention(stream);
  const shown = await firstShown(source, stream);
  const last = await source.revision(stream);
  let there = await target.revision(stream);
  if (shown === undefined && there < last) {
    await fill(stream, there + 1, last);
    there = last;
  }
  // Where the source has gone on meanwhile, its newer records must not hide the last one that is here.
  const most = last > there ? Math.max(0, there) : Infinity;
  const first = Math.min(shown === undefined ? last + 1 : shown.revision, most);
  const wanted = limited(retention, most);
  const known = await target.retention(stream);
  if (!isSame(known, { ...wanted, truncateBefore: first })) {
    if (!isSame(known, wanted)) await target.setRetention(stream, wanted);
    const shownThere = await firstShown(target, stream);
    if (shownThere !== undefined && shownThere.revision < first) {
      await target.setRetention(stream, { ...wanted, truncateBefore: first });
    }
  }
  return shown !== undefined && shown.position > copied && (await firstShown(target, stream)) === undefined;
}

function limited({ truncateBefore, ...others }: Retention, most: number): Retention {
  return truncateBefore === undefined
    ? others
    : { ...others, truncateBefore: Math.min(truncateBefore, most) };
}

function isSame(one: Retention, other: Retention): boolean {
  return (
    one.maxAge === other.maxAge &&
    one.maxCount === other.maxCount &&
    one.truncateBefore === other.truncateBefore
  );
}
