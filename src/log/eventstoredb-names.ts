/**
 * Between the prefix and the name of a stream. No prefix may hold it (see schemas/config.json), so the streams of
 * one prefix never look like those of another: `a` is no beginning of `a.b:room-!x`, as `a:` shows.
 */
const SEPARATOR = ':';

/** How our streams are called in a server that others may use, too. */
export class StreamNames {
  /** What the names of all our streams begin with. Those of system streams and metadata begin with `$`. */
  readonly start: string;
  /** The adapter's own stream, which says whose log this is: no stream of the log begins with `$`. */
  readonly history: string;

  constructor(prefix: string) {
    this.start = `${prefix}${SEPARATOR}`;
    this.history = `${this.start}$log`;
  }

  /** What a stream of ours is called there. */
  there(stream: string): string {
    return `${this.start}${stream}`;
  }

  /** The stream of ours that is called so there; undefined for what is the server's, another's or the adapter's. */
  ours(name: string): string | undefined {
    return name.startsWith(this.start) && name !== this.history ? name.slice(this.start.length) : undefined;
  }
}
