/** Errors of the system that say all that there is to say, when an address, a file or a folder cannot be had. */
const OF_THE_SYSTEM = new Set([
  'EACCES',
  'EADDRINUSE',
  'EADDRNOTAVAIL',
  'EDQUOT',
  'EIO',
  'EISDIR',
  'EMFILE',
  'ENFILE',
  'ENOENT',
  'ENOSPC',
  'ENOTDIR',
  'ENOTFOUND',
  'EPERM',
  'EROFS',
]);
/** By their names: the classes would bring all adapters into every start. */
const OF_OURS = new Set([
  'LogFormatError',
  'LogUnavailableError',
  'ReadStoreFormatError',
  'ReadStoreUnavailableError',
  'RoomStateDamagedError',
]);

/** Something that the operator has to mend, not a fault of the program: told by its message alone. */
export function isPlain(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const code: unknown = 'code' in error ? error.code : undefined;
  return OF_OURS.has(error.name) || (typeof code === 'string' && OF_THE_SYSTEM.has(code));
}
