/** The target holds another history than the source, or a later one: copying into it would mix the two. */
export class CopyRefusedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CopyRefusedError';
  }
}
