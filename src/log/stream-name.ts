const MAX_STREAM_BYTES = 512;

/** Whether a stream can have this name, on every adapter. */
export function isStreamName(stream: string): boolean {
  return (
    stream !== '' &&
    // EventStoreDB keeps these to itself.
    !stream.startsWith('$') &&
    !stream.includes('\0') &&
    // Lone surrogates would not come back.
    Buffer.from(stream).toString() === stream &&
    Buffer.byteLength(stream) <= MAX_STREAM_BYTES
  );
}
