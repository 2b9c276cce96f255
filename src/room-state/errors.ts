/** What the room index holds is damaged. It is made again from the log when the server is started again. */
export class RoomStateDamagedError extends Error {
  constructor(cause?: unknown) {
    super('The room index is damaged: it is made again from the log at the next start.', { cause });
    this.name = 'RoomStateDamagedError';
  }
}
