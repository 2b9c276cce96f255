import { setImmediate } from 'node:timers/promises';
import { matrixPath, type MatrixClient } from '../support/matrix-client.js';
import { ask, insist, type Gate } from './gate.js';
import type { Ledger, SentEvent } from './ledger.js';

/** Numbers from 0 up to 1, the same for the same seed. */
export type Dice = () => number;

/** The rooms that the load needs. */
export interface Rooms {
  /** Everybody is in it, and sends to it at once. */
  readonly hall: string;
  /** Few are in each. */
  readonly chambers: readonly { readonly roomId: string; readonly members: readonly string[] }[];
  /** Public; everybody but its creator, the host, comes and goes. */
  readonly lobby: string;
  readonly host: string;
}

/** How many of the last rooms that somebody made get messages: so the reading afterwards stays bounded. */
const ROOMS_IN_USE = 3;
const LARGE = 'x'.repeat(20_000);

/** A device that does one thing after another; several of one user run at once. */
export interface Chain {
  readonly client: MatrixClient;
  /** The first of a user does what has to be in order: settings, receipts, comings and goings. */
  readonly first: boolean;
  readonly name: string;
  readonly dice: Dice;
}

/** What goes on while the server is killed. */
export class Load {
  readonly ledger: Ledger;
  readonly gate: Gate;
  readonly rooms: Rooms;
  #transactions = 0;
  #paused = false;
  #running: Promise<void>[] = [];
  #failure: unknown;

  constructor(ledger: Ledger, gate: Gate, rooms: Rooms) {
    this.ledger = ledger;
    this.gate = gate;
    this.rooms = rooms;
  }

  start(chains: readonly Chain[]): void {
    this.#paused = false;
    this.#running = chains.map(async (chain) => {
      try {
        while (!this.#paused) {
          await this.#act(chain);
          // A chain that is refused at once must not keep the others from their turn.
          await setImmediate();
        }
      } catch (error) {
        this.#failure ??= error;
      }
    });
  }

  /** Lets everybody finish what they are doing, repeated requests too. @throws what a client has met */
  async pause(): Promise<void> {
    this.#paused = true;
    await Promise.all(this.#running);
    if (this.#failure !== undefined) throw new Error('A client met a fault.', { cause: this.#failure });
  }

  async #act(chain: Chain): Promise<void> {
    const die = chain.dice();
    if (chain.first && die < 0.5) {
      if (die < 0.12) await this.#setAccountData(chain);
      else if (die < 0.2) await this.#setDisplayName(chain);
      else if (die < 0.3) await this.#comeOrGo(chain);
      else if (die < 0.38) await this.#setState(chain);
      else await this.#read(chain);
    } else if (chain.dice() < 0.01) await this.#makeRoom(chain);
    else if (chain.dice() < 0.08) await this.#redact(chain);
    else await this.#send(chain);
  }

  async #send(chain: Chain, type = 'm.room.message'): Promise<SentEvent> {
    const roomId = this.#roomOf(chain);
    const mark = this.ledger.mark();
    const sent = this.ledger.sent({ roomId, kind: 'message', sender: chain.client.userId, mark });
    const large = chain.dice() < 0.02 ? { padding: LARGE } : {};
    const path = matrixPath`v3/rooms/${roomId}/send/${type}/${this.#transaction(chain)}`;
    await this.#event(chain, sent, path, { msgtype: 'm.text', body: mark, ...large });
    return sent;
  }

  /** Of a type of its own, since what is redacted cannot be told by its content any more. */
  async #redact(chain: Chain): Promise<void> {
    const target = await this.#send(chain, 'crash.redacted');
    const eventId = target.acknowledged?.eventId ?? '';
    const { roomId, sender } = target;
    const sent = this.ledger.sent({ roomId, kind: 'redaction', sender, mark: eventId });
    const path = matrixPath`v3/rooms/${roomId}/redact/${eventId}/${this.#transaction(chain)}`;
    await this.#event(chain, sent, path, {});
  }

  async #setState(chain: Chain): Promise<void> {
    const { userId } = chain.client;
    const roomId = this.rooms.hall;
    const mark = this.ledger.mark();
    const sent = this.ledger.sent({ roomId, kind: 'state', sender: userId, mark });
    const path = matrixPath`v3/rooms/${roomId}/state/crash.state/${userId}`;
    await this.#event(chain, sent, path, { body: mark });
    this.ledger.values.set(path, { userId, path, content: { body: mark } });
  }

  async #event(
    { client }: Chain,
    sent: SentEvent,
    path: string,
    body: Readonly<Record<string, string>>,
  ): Promise<void> {
    const onSent = () => {
      sent.attempts++;
    };
    const { event_id: eventId } = await insist(this.gate, client, 'PUT', path, {
      body,
      onSent,
      onLost: this.#lost,
    });
    if (typeof eventId !== 'string') throw new Error(`No event ID for ${path}`);
    sent.acknowledged = { at: this.ledger.now(), eventId };
  }

  async #setAccountData(chain: Chain): Promise<void> {
    const { userId } = chain.client;
    const type = `crash.data${Math.floor(chain.dice() * 3)}`;
    await this.#setValue(chain, matrixPath`v3/user/${userId}/account_data/${type}`, {
      body: this.ledger.mark(),
    });
  }

  async #setDisplayName(chain: Chain): Promise<void> {
    const path = matrixPath`v3/profile/${chain.client.userId}/displayname`;
    await this.#setValue(chain, path, { displayname: this.ledger.mark() });
  }

  async #setValue({ client }: Chain, path: string, content: Readonly<Record<string, string>>): Promise<void> {
    await insist(this.gate, client, 'PUT', path, { body: content, onLost: this.#lost });
    this.ledger.values.set(path, { userId: client.userId, path, content });
  }

  /** Leaves the lobby, or joins it. One who repeats a leave whose answer was lost may hear that they are out. */
  async #comeOrGo({ client }: Chain): Promise<void> {
    const { userId } = client;
    if (userId === this.rooms.host) return;
    const path = matrixPath`v3/rooms/${this.rooms.lobby}/state/m.room.member/${userId}`;
    const wasIn = this.ledger.values.get(path)?.content['membership'] === 'join';
    const verb = wasIn ? 'leave' : 'join';
    await insist(this.gate, client, 'POST', matrixPath`v3/rooms/${this.rooms.lobby}/${verb}`, {
      body: {},
      onLost: this.#lost,
    });
    this.ledger.values.set(path, { userId, path, content: { membership: verb } });
  }

  async #read({ client, dice }: Chain): Promise<void> {
    const { events, receipts } = this.ledger;
    const event = events[Math.floor(dice() * events.length)];
    if (event?.acknowledged === undefined || event.roomId !== this.rooms.hall) return;
    const { eventId } = event.acknowledged;
    await insist(this.gate, client, 'POST', matrixPath`v3/rooms/${event.roomId}/receipt/m.read/${eventId}`, {
      body: {},
      onLost: this.#lost,
    });
    const before = receipts.get(client.userId) ?? new Set();
    receipts.set(client.userId, before.add(eventId));
  }

  /** Asked for once: making a room has no transaction ID, and a second one would be a second room. */
  async #makeRoom({ client }: Chain): Promise<void> {
    const name = this.ledger.mark();
    const body = { name, initial_state: [{ type: 'crash.initial', state_key: '', content: { body: name } }] };
    const made = await ask(this.gate, client, 'POST', 'v3/createRoom', { body, onLost: this.#lost });
    const roomId = made?.['room_id'];
    if (typeof roomId === 'string') this.ledger.rooms.set(name, { roomId, creator: client.userId });
    else this.ledger.lostRooms.add(name);
    await this.gate.whenUp();
  }

  #roomOf({ client: { userId }, dice }: Chain): string {
    const own = [...this.ledger.rooms.values()].filter(({ creator }) => creator === userId);
    const rooms = [
      ...this.rooms.chambers.filter(({ members }) => members.includes(userId)),
      ...own.slice(-ROOMS_IN_USE),
    ];
    return dice() < 0.5
      ? this.rooms.hall
      : (rooms[Math.floor(dice() * rooms.length)]?.roomId ?? this.rooms.hall);
  }

  #transaction({ name }: Chain): string {
    return `${name}.${++this.#transactions}`;
  }

  readonly #lost = (): void => {
    this.ledger.lost++;
  };
}
