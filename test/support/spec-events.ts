import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { AnySchemaObject, ValidateFunction } from 'ajv';

const schemas = JSON.parse(
  readFileSync(new URL('../fixtures/spec/events.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, AnySchemaObject>>;

/** Types whose content is the server's doing; in tests, clients send others as they like. */
const MADE_HERE = [
  'm.room.create',
  'm.room.member',
  'm.room.power_levels',
  'm.room.join_rules',
  'm.room.history_visibility',
  'm.room.guest_access',
  'm.room.canonical_alias',
  'm.room.name',
  'm.room.topic',
  'm.room.tombstone',
  'm.room.redaction',
  'm.typing',
  'm.receipt',
  'm.presence',
  'm.tag',
  'm.fully_read',
  'm.push_rules',
];

const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
const validators = new Map<string, ValidateFunction>(
  MADE_HERE.map((type) => [type, ajv.compile(schemas[type] ?? false)]),
);

/** What is wrong with events of ours anywhere in an answer, by the schemas of their types. */
export function eventFaults(body: unknown): unknown[] {
  const faults: unknown[] = [];
  for (const event of eventsIn(body, undefined)) {
    if (isForgotten(event)) continue;
    const validate = validators.get(String(event['type']));
    // Stripped state leaves out what its reader does not need (Client-Server API, Stripped state).
    const isStripped = 'state_key' in event && !('event_id' in event);
    const whole = isStripped ? { event_id: '$stripped', origin_server_ts: 0, ...event } : event;
    if (validate !== undefined && !validate(whole)) faults.push({ event, errors: validate.errors });
  }
  return faults;
}

type Json = Readonly<Record<string, unknown>>;

/** Nothing is left of its content: the schemas are of what it was. */
function isForgotten({ content, state_key: stateKey }: Json): boolean {
  return stateKey !== undefined && isObject(content) && Object.keys(content).length === 0;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Objects that look like events; `/sync` says of them once, by the key above, of which room they are. */
function* eventsIn(value: unknown, roomId: string | undefined): Generator<Json> {
  if (Array.isArray(value)) {
    for (const item of value) yield* eventsIn(item, roomId);
  } else if (isObject(value)) {
    if (typeof value['type'] === 'string' && isObject(value['content'])) {
      yield roomId === undefined ? value : { room_id: roomId, ...value };
      yield* eventsIn(value['unsigned'], roomId);
      return;
    }
    for (const [key, member] of Object.entries(value)) {
      yield* eventsIn(member, key.startsWith('!') ? key : roomId);
    }
  }
}
