/**
 * A record's place in the whole log: a strictly increasing, possibly gapped, safe integer. In EventStoreDB it is
 * the commit position (a byte offset: 2^53 is nine petabytes).
 */
export type Position = number;

/** Before the first record: what a reader that has seen nothing has seen. */
export const START: Position = -1;

/** The revision of a stream that has no records; a stream's first record has revision 0. */
export const NO_STREAM = -1;
