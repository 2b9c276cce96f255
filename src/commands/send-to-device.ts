import type { RecordBody } from '../log/records.js';
import { MatrixError } from '../protocol/errors.js';
import { isUserId, serverName } from '../protocol/identifiers.js';
import type { JsonObject } from '../protocol/json.js';
import { evolveInbox, firstOwed, inboxStream, requestKey, type Inbox } from './aggregates/inbox.js';
import type { CommandContext, Done } from './command.js';
import type { WriteSide } from './write-side.js';

/** `PUT /sendToDevice/{eventType}/{txnId}`. */
export interface ToDeviceRequest {
  readonly type: string;
  readonly transactionId: string;
  /** By user ID, then by device ID; `*` stands for every device that is not named itself. */
  readonly messages: Readonly<Record<string, Readonly<Record<string, JsonObject>>>>;
}

const EVERY_DEVICE = '*';

/**
 * Sends messages directly to devices (Client-Server API, Send-to-Device messaging): a record in the stream of each
 * user whom they are for, whatever the number of devices. Users and devices that are not there are passed over.
 * A request that is repeated adds nothing where it has come through, and the rest where it had not.
 *
 * @throws MatrixError M_INVALID_PARAM for what is no user ID
 */
export async function sendToDevice(
  side: WriteSide,
  sender: { readonly userId: string; readonly deviceId: string },
  request: ToDeviceRequest,
  context: CommandContext,
): Promise<Done<undefined>> {
  const users = Object.entries(request.messages);
  for (const [userId] of users) {
    if (!isUserId(userId)) throw new MatrixError('M_INVALID_PARAM', 'messages has a key that is no user ID.');
  }
  const ours = users.filter(([userId]) => serverName(userId) === side.ports.serverName);
  const from = {
    sender: sender.userId,
    sender_device: sender.deviceId,
    transaction_id: request.transactionId,
    type: request.type,
  };
  const positions = ours.map(async ([userId, messages]) => {
    const addressed = await addressedTo(side, userId, messages);
    if (addressed.recipients.length === 0) return -1;
    const done = await side.inboxes.handle(inboxStream(userId), context, (inbox) => {
      if (inbox.requests.includes(requestKey(from))) return { records: [], result: undefined };
      const data = { ...from, ...addressed };
      return { records: [{ type: 'to_device.sent', version: 1, data }], result: undefined };
    });
    return done.position;
  });
  return { result: undefined, position: Math.max(-1, ...(await Promise.all(positions))) };
}

/** Which of a user's devices each content is for. */
async function addressedTo(
  side: WriteSide,
  userId: string,
  messages: Readonly<Record<string, JsonObject>>,
): Promise<{ recipients: { device_id: string; content: number }[]; contents: JsonObject[] }> {
  const user = await side.user(userId);
  const devices = user.kind === 'active' ? [...user.devices.keys()] : [];
  const recipients: { device_id: string; content: number }[] = [];
  const contents: JsonObject[] = [];
  for (const [name, content] of Object.entries(messages)) {
    const receivers = devices.filter((id) =>
      name === EVERY_DEVICE ? !Object.hasOwn(messages, id) : id === name,
    );
    recipients.push(...receivers.map((id) => ({ device_id: id, content: contents.length })));
    if (receivers.length > 0) contents.push(content);
  }
  return { recipients, contents };
}

/**
 * A device has everything up to a message of its inbox, named by the revision: it has gone on from a token beyond
 * it (Client-Server API, Send-to-Device messaging, Server behaviour).
 */
export async function acknowledgeToDevice(
  side: WriteSide,
  userId: string,
  deviceId: string,
  revision: number,
  context: CommandContext,
): Promise<Done<boolean>> {
  return settle(side, userId, context, (inbox) => {
    const owed = inbox.owed.get(deviceId);
    return owed === undefined || revision < owed.from ? [] : [acknowledged(deviceId, revision)];
  });
}

/**
 * Gives up what is kept for devices that are not there any more. Where the same device has signed in again, it gets
 * what it was sent. Doing it again is harmless.
 *
 * @returns whether there was anything
 */
export async function dropForDeletedDevices(
  side: WriteSide,
  userId: string,
  context: CommandContext,
): Promise<boolean> {
  const user = await side.user(userId);
  const devices = user.kind === 'active' ? user.devices : undefined;
  const { result: found } = await settle(side, userId, context, ({ owed, next }) =>
    [...owed.keys()].filter((id) => devices?.has(id) !== true).map((id) => acknowledged(id, next - 1)),
  );
  return found;
}

function acknowledged(deviceId: string, revision: number): RecordBody {
  return { type: 'to_device.acknowledged', version: 1, data: { device_id: deviceId, revision } };
}

/** Retention is moved a step at a time, since that is a write of its own. */
const STEP = 32;
/** So many records stay although nobody needs them: a request that is repeated after a restart is known by them. */
const KEPT = 16;

/** Records what is needed no more, if anything, and gives its space back. */
async function settle(
  side: WriteSide,
  userId: string,
  context: CommandContext,
  what: (inbox: Inbox) => RecordBody[],
): Promise<Done<boolean>> {
  const stream = inboxStream(userId);
  const { result, position } = await side.inboxes.handle(stream, context, (inbox) => {
    const records = what(inbox);
    const after = records.reduce((state, record, i) => evolveInbox(state, record, inbox.next + i), inbox);
    const [before, now] = [inbox, after].map((state) => Math.floor(firstOwed(state) / STEP));
    return { records, result: { found: records.length > 0, before, now } };
  });
  const { found, before = 0, now = 0 } = result;
  if (now > before) await side.ports.log.setRetention(stream, { truncateBefore: now * STEP - KEPT });
  return { result: found, position };
}
