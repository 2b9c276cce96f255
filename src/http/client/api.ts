import type { CommandContext, Done } from '../../commands/command.js';
import type { WriteSide } from '../../commands/write-side.js';
import type { ReadSide, Viewer } from '../../queries/read-side.js';
import type { UserInteractive } from '../user-interactive.js';

/** What the configuration decides for clients. */
export interface ClientSettings {
  readonly serverName: string;
  readonly publicBaseurl: string;
  readonly defaultRoomVersion: string;
  readonly registration: {
    readonly enabled: boolean;
    readonly allowGuests: boolean;
    readonly sharedSecret: string | null;
    /** Registration tokens of the configuration, valid without limit. */
    readonly tokens: readonly string[];
  };
  /** Whether the public room list answers without a token. */
  readonly roomListWithoutAuth: boolean;
}

/** Everything that the routes of the client API call. */
export interface ClientApi {
  readonly settings: ClientSettings;
  readonly write: WriteSide;
  readonly read: ReadSide;
  readonly userInteractive: UserInteractive;
}

/** How long a read waits for what was acknowledged before it, in milliseconds. */
const READ_PATIENCE = 10_000;

/** What a command is told of a request. */
export function commandContext(api: ClientApi, request: { readonly correlationId: string }): CommandContext {
  return { correlationId: request.correlationId, now: api.write.ports.clock.now() };
}

/** A command's result; every read that begins after the answer will see what it did. */
export async function done<T>(api: ClientApi, command: Promise<Done<T>>): Promise<T> {
  const { result, position } = await command;
  api.read.barrier.acknowledged(position);
  return result;
}

/** The read side, once it has everything that anybody was told had happened. */
export async function upToDate(api: ClientApi): Promise<ReadSide> {
  await api.read.barrier.reached(READ_PATIENCE);
  return api.read;
}

/** Whose view an answer is. */
export function viewerOf(user: { readonly userId: string; readonly deviceId: string }): Viewer {
  return { userId: user.userId, deviceId: user.deviceId };
}
