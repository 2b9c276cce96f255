import { jsonArray } from '../client-events.js';
import type { RoomsPart } from './rooms-part.js';

/** An answer to `/sync` in the making: JSON text, spliced from texts. */
export class JsonAnswer {
  readonly #members: string[];
  #isEmpty = true;

  constructor(nextBatch: string) {
    this.#members = [
      `"next_batch":${JSON.stringify(nextBatch)}`,
      // End-to-end encryption keys are not served yet; clients take absence for trouble.
      '"device_one_time_keys_count":{}',
      '"device_lists":{"changed":[],"left":[]}',
    ];
  }

  /** Whether there is nothing to tell. */
  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  get text(): string {
    return `{${this.#members.join(',')}}`;
  }

  events(name: string, events: readonly string[]): void {
    if (events.length > 0) this.#isEmpty = false;
    this.#members.push(`"${name}":{"events":${jsonArray(events)}}`);
  }

  rooms({ join, invite, knock, leave, peek }: RoomsPart): void {
    const kinds = Object.entries({ join, invite, knock, leave, ...(peek.size > 0 ? { peek } : {}) });
    const texts = kinds.map(([kind, byRoom]) => {
      if (byRoom.size > 0) this.#isEmpty = false;
      return `"${kind}":{${[...byRoom].map(([roomId, text]) => `${JSON.stringify(roomId)}:${text}`).join(',')}}`;
    });
    this.#members.push(`"rooms":{${texts.join(',')}}`);
  }
}
