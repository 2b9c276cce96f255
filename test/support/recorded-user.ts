import type { Position } from '../../src/log/position.js';
import type { ReceiptPostedV1, RecordBody, RecordOf } from '../../src/log/records.js';
import type { MemoryLog } from './memory-log.js';
import type { Person } from './people.js';

type SignIn = RecordOf<'device.signed_in'>['data'];

/** An account whose story is recorded as the write side would. Each step gives the position of its record. */
export class RecordedUser {
  readonly id: string;
  readonly #log: MemoryLog;

  constructor(log: MemoryLog, person: Person) {
    this.id = person.id;
    this.#log = log;
  }

  registers(kind: 'user' | 'guest' = 'user', admin = false): Position {
    const method = kind === 'guest' ? 'guest' : 'open';
    return this.#append({
      type: 'user.registered',
      version: 1,
      data: { user_id: this.id, kind, admin, method },
    });
  }

  /** The token itself stands for its hash. */
  signsIn(device_id: string, access_token_hash: string, more: Partial<SignIn> = {}): Position {
    return this.#append({
      type: 'device.signed_in',
      version: 1,
      data: { device_id, access_token_hash, ...more },
    });
  }

  refreshes(
    device_id: string,
    used: string,
    access_token_hash: string,
    refresh_token_hash: string,
  ): Position {
    const data = { device_id, used_refresh_token_hash: used, access_token_hash, refresh_token_hash };
    return this.#append({ type: 'device.tokens.refreshed', version: 1, data });
  }

  /** `undefined`: the name was forgotten. */
  renames(device_id: string, display_name: string | null | undefined): Position {
    const data = { device_id, ...(display_name === undefined ? {} : { display_name }) };
    return this.#append({ type: 'device.renamed', version: 1, data });
  }

  signsOut(...device_ids: string[]): Position {
    return this.#append({ type: 'device.deleted', version: 1, data: { device_ids } });
  }

  upgrades(): Position {
    return this.#append({ type: 'user.upgraded', version: 1, data: { method: 'open' } });
  }

  deactivates(erase = false): Position {
    return this.#append({ type: 'user.deactivated', version: 1, data: { erase } });
  }

  setsProfile(fields: Readonly<Record<string, unknown>>): Position {
    return this.#append({ type: 'profile.changed', version: 1, data: { fields } });
  }

  /** Without a room it is the account's; without content it was forgotten. */
  setsData(type: string, content?: object, room_id: string | null = null): Position {
    const data = { room_id, type, ...(content === undefined ? {} : { content: { ...content } }) };
    return this.#append({ type: 'account_data.changed', version: 1, data });
  }

  storesFilter(filter_id: string, filter: object): Position {
    return this.#append({ type: 'filter.created', version: 1, data: { filter_id, filter: { ...filter } } });
  }

  /** Unthreaded, public, at a known place, unless `more` says otherwise. */
  reads(
    room_id: string,
    event_id: string,
    event_position: number | null,
    more: Partial<ReceiptPostedV1> = {},
  ): Position {
    const defaults = { receipt_type: 'm.read', thread_id: null, ts: 1_700_000_000_000 } as const;
    const data = { ...defaults, room_id, event_id, event_position, ...more };
    return this.#log.append([{ type: 'receipt.posted', version: 1, data, stream: `receipts-${this.id}` }]);
  }

  /** Somebody sends contents to devices: for each of these the place of its content. `undefined`: they were forgotten. */
  isSent(
    sender: string,
    contents: readonly object[] | undefined,
    devices: Readonly<Record<string, number>>,
  ): Position {
    const recipients = Object.entries(devices).map(([device_id, content]) => ({ device_id, content }));
    const given = contents === undefined ? {} : { contents: contents.map((content) => ({ ...content })) };
    const from = { sender, sender_device: 'PHONE', transaction_id: 't', type: 'm.example' };
    return this.#toInbox({ type: 'to_device.sent', version: 1, data: { ...from, recipients, ...given } });
  }

  peeks(device_id: string, room_id: string): Position {
    return this.#append({ type: 'room.peeked', version: 1, data: { device_id, room_id } });
  }

  unpeeks(room_id: string, ...device_ids: string[]): Position {
    return this.#append({ type: 'room.unpeeked', version: 1, data: { device_ids, room_id } });
  }

  /** `undefined`: what it says was forgotten. */
  setsPusher(device_id: string, pushkey: string, pusher?: object, append = false): Position {
    const content = pusher === undefined ? {} : { pusher: { ...pusher } };
    const data = { device_id, app_id: 'app', pushkey, append, ...content };
    return this.#append({ type: 'pusher.set', version: 1, data });
  }

  deletesPusher(pushkey: string): Position {
    return this.#append({ type: 'pusher.deleted', version: 1, data: { app_id: 'app', pushkey } });
  }

  acknowledges(device_id: string, revision: number): Position {
    return this.#toInbox({ type: 'to_device.acknowledged', version: 1, data: { device_id, revision } });
  }

  #toInbox(body: RecordBody): Position {
    const record = JSON.parse(JSON.stringify(body)) as RecordBody;
    return this.#log.append([{ ...record, stream: `to-device-${this.id}` }]);
  }

  #append(body: RecordBody): Position {
    // What is read from a log has been a text.
    const record = JSON.parse(JSON.stringify(body)) as RecordBody;
    return this.#log.append([{ ...record, stream: `user-${this.id}` }]);
  }
}
