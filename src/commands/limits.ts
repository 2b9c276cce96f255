import { MatrixError } from '../protocol/errors.js';

/** How much an account may hold (`limits` of the configuration). */
export interface AccountLimits {
  /** Devices that are signed in. */
  readonly devices: number;
  /** Rooms that a user is in. */
  readonly rooms: number;
  /** Account data altogether, names included, in bytes of JSON. */
  readonly accountDataBytes: number;
  readonly filters: number;
  readonly pushers: number;
}

export const UNLIMITED: AccountLimits = {
  devices: Infinity,
  rooms: Infinity,
  accountDataBytes: Infinity,
  filters: Infinity,
  pushers: Infinity,
};

/** The refusal of one more than an account may have. */
export function tooMany(message: string): MatrixError {
  return new MatrixError('M_RESOURCE_LIMIT_EXCEEDED', message);
}
