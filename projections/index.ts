import { accountDataProjection } from './account-data.js';
import { accountsProjection } from './accounts.js';
import { filtersProjection } from './filters.js';
import { membershipsProjection } from './memberships.js';
import { profilesProjection } from './profiles.js';
import type { Projection } from './projection.js';
import { receiptsProjection } from './receipts.js';
import { roomStateProjection } from './room-state.js';
import { timelinesProjection } from './timelines.js';

/** Every read model's maker. */
export const PROJECTIONS: readonly Projection[] = [
  timelinesProjection,
  roomStateProjection,
  membershipsProjection,
  accountsProjection,
  profilesProjection,
  accountDataProjection,
  filtersProjection,
  receiptsProjection,
];
