import type { RoomEvent } from '../events.js';
import type { RoomVersion } from '../room-versions.js';

/** What the authorisation rules see of a room's state. */
export interface AuthState {
  get(type: string, stateKey: string): RoomEvent | undefined;
}

export type Verdict =
  { readonly allowed: true } | { readonly allowed: false; readonly rule: string; readonly reason: string };

/** The authorisation rules of a room version, as far as they look at the state. */
export type Authorise = (event: RoomEvent, version: RoomVersion, state: AuthState) => Verdict;
