import { filter, firstValueFrom } from 'rxjs';
import type { Clock } from '../../runtime/clock.js';
import type { RawLog } from '../adapter.js';
import { LogUnavailableError } from '../errors.js';
import { START, type Position } from '../position.js';
import { Comparer, type Comparison } from './comparison.js';
import { CopyRefusedError } from './errors.js';
import { streamOf } from './finding.js';
import { copyRetention } from './retention.js';
import { whereToGoOn } from './start.js';
import { CopyWriter, type CopyCounts } from './writer.js';

export interface CopyPorts {
  readonly source: RawLog;
  readonly target: RawLog;
  readonly clock: Clock;
  /** Milliseconds for which what cannot be reached is tried again. */
  readonly patience: number;
  /** Records that may be on their way at once; by default 500. */
  readonly roundRecords?: number;
  /** Told how far copying or comparing is; may throw, to interrupt. */
  readonly onProgress?: (position: Position) => void;
  /** Told when something cannot be reached, and is tried again. */
  readonly onWaiting?: (error: LogUnavailableError) => void;
}

/** Milliseconds between two attempts. */
const PAUSE = 500;
const ROUND_RECORDS = 500;
const MOST_OUTRUNS = 20;

/**
 * Copies a log into another, whatever stores them, while the source may be written: records as they are, at their
 * revisions, in the source's order, with the retention of its streams. Positions are the target's own, and the few records
 * that speak of positions are given those. It needs no state of its own: whoever begins again goes on where the target ends.
 *
 * The target's epoch is ended: whoever opens it begins another.
 */
export class LogCopy {
  readonly #ports: CopyPorts;
  readonly #writer: CopyWriter;
  readonly #suspects = new Set<string>();
  #suspectsAll = false;
  /** Whether the target had a part of the source already. */
  readonly isResumed: boolean;
  #position: Position;

  private constructor(ports: CopyPorts, position: Position) {
    this.#ports = ports;
    this.isResumed = ports.target.head !== START;
    this.#writer = new CopyWriter(ports.source, ports.target, ports.roundRecords ?? ROUND_RECORDS);
    this.#position = position;
  }

  /**
   * Sees whether the target is empty, or a copy of the source that can be gone on with.
   *
   * @throws CopyRefusedError where it is neither
   */
  static async begin(ports: CopyPorts): Promise<LogCopy> {
    const position = await whereToGoOn(ports.source, ports.target, 2 * (ports.roundRecords ?? ROUND_RECORDS));
    await ports.target.endEpoch();
    return new LogCopy(ports, position);
  }

  /** Up to here the source was copied. */
  get position(): Position {
    return this.#position;
  }

  get counts(): CopyCounts {
    return this.#writer.counts;
  }

  /** Copies on to the source's end as of now. */
  async advance(): Promise<void> {
    await this.#persistently(() => this.#copyOn());
  }

  /** Copies on to the source's end as of now, and gives the streams of the target the retention of the source. */
  async catchUp(): Promise<void> {
    for (let outruns = 0; ; outruns++) {
      await this.advance();
      if (!(await this.#persistently(() => this.#copyRetention()))) return;
      if (outruns === MOST_OUTRUNS) {
        throw new CopyRefusedError('The source loses records by retention faster than they can be copied.');
      }
    }
  }

  /**
   * Compares with the source what was copied, by this run or by earlier ones.
   *
   * @param after where to begin; START for all
   */
  async compare(after: Position = START): Promise<Comparison> {
    const { source, target, onProgress } = this.#ports;
    const comparer = new Comparer(source, target, this.#position);
    let position = after;
    await this.#persistently(async () => {
      try {
        const reading = { direction: 'forwards', after: position } as const;
        for await (const { records, damaged, position: end } of source.readAll(reading)) {
          const isMore = await comparer.take(records);
          for (const one of damaged) comparer.suspect(one.stream);
          position = end;
          onProgress?.(Math.min(end, this.#position));
          if (!isMore || end >= this.#position) break;
        }
      } finally {
        await comparer.pause();
      }
    });
    const suspects = await this.#persistently(() => comparer.suspects());
    await this.#persistently(async () => {
      for (const stream of suspects.keys()) await this.#writer.complete(stream, this.#position);
      // What has come at a stream's end may be what its retention shows.
      if (suspects.size > 0) await this.#copyRetention();
    });
    for (const [stream, from] of suspects) {
      await this.#persistently(() => comparer.takeSuspect(stream, from));
    }
    return comparer.result;
  }

  async #copyOn(): Promise<void> {
    const { source, onProgress } = this.#ports;
    // What other processes have written a moment ago may not have been heard of here.
    const end = await source.end();
    if (source.head < end) await firstValueFrom(source.heads.pipe(filter((head) => head >= end)));
    for await (const batch of source.readAll({ direction: 'forwards', after: this.#position })) {
      for (const record of await this.#writer.write(batch.records)) {
        this.#suspect(await streamOf(source, record));
      }
      for (const { stream } of batch.damaged) this.#suspect(stream);
      this.#position = batch.position;
      onProgress?.(batch.position);
    }
    for (const stream of this.#suspectsAll ? this.#writer.streams() : this.#suspects) {
      await this.#writer.complete(stream, this.#position);
    }
    this.#suspectsAll = false;
    this.#suspects.clear();
  }

  /** A damaged record without a stream is of any of them. */
  #suspect(stream: string | undefined): void {
    if (stream !== undefined) this.#suspects.add(stream);
    else this.#suspectsAll = true;
  }

  async #copyRetention(): Promise<boolean> {
    const { source, target } = this.#ports;
    return copyRetention({
      source,
      target,
      copied: this.#position,
      fill: (stream, from, to) => this.#writer.retire(stream, from, to),
    });
  }

  /** Tries again what could not be reached, from where it was, for as long as patience lasts without progress. */
  async #persistently<T>(action: () => Promise<T>): Promise<T> {
    const { clock, patience, onWaiting } = this.#ports;
    let since = clock.monotonic();
    let known = this.#position;
    for (;;) {
      try {
        return await action();
      } catch (error) {
        if (!(error instanceof LogUnavailableError)) throw error;
        this.#writer.doubt();
        const now = clock.monotonic();
        if (this.#position !== known) [known, since] = [this.#position, now];
        if (now - since >= patience) throw error;
        onWaiting?.(error);
        await new Promise<void>((resolve) => clock.after(PAUSE, resolve));
      }
    }
  }
}
