// The data that rows ask for by name, each made by a function of that name in a process of its own. What it gives is
// handed to the row, the accounts with their tokens.
import { bigRoom } from './big-room.mjs';
import { longLog } from './long-log.mjs';
import { crowd, fullRooms, manyRooms } from './rooms.mjs';

export const loads = { bigRoom, crowd, fullRooms, longLog, manyRooms };
