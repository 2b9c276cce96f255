import type { AuthState, Verdict } from '../auth-rules/index.js';
import type { RoomEvent } from '../events.js';
import type { RoomVersion } from '../room-versions.js';

export type { AuthState, Verdict } from '../auth-rules/index.js';

/** The authorisation rules of a room version, as far as they look at the state: `authorise` of `auth-rules`. */
export type Authorise = (event: RoomEvent, version: RoomVersion, state: AuthState) => Verdict;
