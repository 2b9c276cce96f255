import { accountDataProjection } from './account-data.js';
import { accountsProjection } from './accounts.js';
import { directoryProjection } from './directory.js';
import { filtersProjection } from './filters.js';
import { membershipsProjection } from './memberships.js';
import { notificationCountsProjection } from './notification-counts.js';
import { peeksProjection } from './peeks.js';
import { profilesProjection } from './profiles.js';
import type { Projection } from './projection.js';
import { pushersProjection } from './pushers.js';
import { receiptsProjection } from './receipts.js';
import { roomStateProjection } from './room-state.js';
import { roomSummariesProjection } from './room-summaries.js';
import { timelinesProjection } from './timelines.js';
import { toDeviceProjection } from './to-device.js';

/** Every read model's maker. */
export const PROJECTIONS: readonly Projection[] = [
  timelinesProjection,
  roomStateProjection,
  membershipsProjection,
  roomSummariesProjection,
  directoryProjection,
  accountsProjection,
  profilesProjection,
  accountDataProjection,
  filtersProjection,
  receiptsProjection,
  toDeviceProjection,
  peeksProjection,
  pushersProjection,
  notificationCountsProjection,
];
