// Generated from schemas/config.json by scripts/generate-config-docs.mjs. Do not edit.

/**
 * Everything that an operator can set.
 */
export interface Config {
  /**
   * The name of this server: the part after the colon in its users' identifiers. It cannot be changed once the server has an account or a room.
   */
  readonly server_name: string;
  /**
   * The URL at which clients reach this server, also told to them by `/.well-known/matrix/client`. Without it, `https://` and `server_name`, or for `localhost` the first listener for clients.
   */
  readonly public_baseurl: string | null;
  /**
   * The folder of all that the server keeps: the log, the read models, the signing key. Created when it is missing.
   */
  readonly data_dir: string;
  /**
   * The version of rooms that are created without naming one.
   */
  readonly default_room_version: '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9' | '10' | '11' | '12';
  /**
   * The addresses at which the server answers, and what it answers there.
   *
   * @minItems 1
   * @maxItems 64
   */
  readonly listeners: readonly Listener[];
  /**
   * Where the log is kept, which all else is made from.
   */
  readonly log: {
    /**
     * `lmdb` keeps it in `data_dir`; `eventstoredb` on a server or cluster.
     */
    readonly adapter: 'lmdb' | 'eventstoredb';
    /**
     * The connection string of EventStoreDB (22.6 or newer) or KurrentDB: one host or several; TLS unless it says `tls=false`; an account that may read `$all` and write our streams. With all of it: `esdb://name:password@host:2113?tls=true&tlsCAFile=/etc/engram/ca.crt`, special characters percent-encoded.
     */
    readonly url: string | null;
    /**
     * What the names of all our streams begin with there, so that other applications can share the server.
     */
    readonly prefix: string;
  };
  /**
   * Where the read models are kept. They can be rebuilt from the log at any time.
   */
  readonly read_models: {
    /**
     * `lmdb` keeps them in `data_dir`; `mongodb` on a server or cluster.
     */
    readonly adapter: 'lmdb' | 'mongodb';
    /**
     * The connection string of MongoDB. The database that it names is ours alone; `engram` where it names none.
     */
    readonly url: string | null;
  };
  /**
   * When content is forgotten for good: the key that it is sealed with in the log is destroyed.
   */
  readonly forgetting: {
    /**
     * How long the content of a redacted event can still be seen by moderators; `null` keeps it.
     */
    readonly redacted_after: number | null;
  };
  /**
   * What this process does, where several share the log and the read models: answer clients (`http`), decide and follow up (`commands`), keep the read models (`projections`). `null` is all of it, by a process that is alone.
   *
   * @minItems 1
   */
  readonly roles: readonly ('http' | 'commands' | 'projections')[] | null;
  /**
   * Who can make an account through the client API. `engram user create` always can.
   */
  readonly registration: {
    /**
     * Whether anybody can register.
     */
    readonly enabled: boolean;
    /**
     * Whether registering takes a registration token: one of `tokens`, or one made by `engram token create`. Implied by `tokens`.
     */
    readonly require_token: boolean;
    /**
     * Registration tokens that are good for any number of accounts.
     *
     * @maxItems 1000
     */
    readonly tokens: readonly string[];
    /**
     * Whether clients can use the server as guests, without an account.
     */
    readonly allow_guests: boolean;
    /**
     * Whoever knows it can register accounts, administrators too, through `/_synapse/admin/v1/register`.
     */
    readonly shared_secret: string | null;
    /**
     * Asks those who register to solve a reCAPTCHA.
     */
    readonly recaptcha: {
      /**
       * Where answers are checked.
       */
      readonly siteverify_url: string;
      /**
       * The site key.
       */
      readonly public_key: string;
      /**
       * The secret key.
       */
      readonly private_key: string;
    } | null;
  };
  /**
   * The sessions of clients.
   */
  readonly access_tokens: {
    /**
     * How long an access token is good for, where the client can refresh it. Others do not expire.
     */
    readonly refreshable_lifetime: number;
  };
  /**
   * All requests that the server makes.
   */
  readonly outbound_http: {
    /**
     * Certificates (PEM) to be trusted besides the well-known authorities.
     *
     * @maxItems 100
     */
    readonly trusted_ca_files: readonly string[];
    /**
     * Whether requests may go to addresses that are not of the public Internet (loopback, private networks, link-local). Others could use the server to look into your network.
     */
    readonly allow_private_addresses: boolean;
  };
  /**
   * Talking to other servers.
   */
  readonly federation: {
    /**
     * Whether this server talks to others at all.
     */
    readonly enabled: boolean;
    /**
     * Whether other servers may ask for the list of public rooms.
     */
    readonly public_room_list: boolean;
  };
  /**
   * The list of public rooms.
   */
  readonly room_list: {
    /**
     * Whether it is shown to clients that have not logged in.
     */
    readonly allow_without_auth: boolean;
  };
  /**
   * How often clients may ask: so many per second, and so many at once after a pause. What is more is answered by `M_LIMIT_EXCEEDED` with `Retry-After`.
   */
  readonly rate_limits: {
    /**
     * Whether any of these limits holds.
     */
    readonly enabled: boolean;
    /**
     * Events sent (messages, state, redactions), by user.
     */
    readonly messages: {
      /**
       * In the long run.
       */
      readonly per_second: number;
      /**
       * At once.
       */
      readonly burst: number;
    };
    /**
     * Rooms joined or knocked on, by user.
     */
    readonly joins: {
      /**
       * In the long run.
       */
      readonly per_second: number;
      /**
       * At once.
       */
      readonly burst: number;
    };
    /**
     * People invited, by who invites.
     */
    readonly invites: {
      /**
       * In the long run.
       */
      readonly per_second: number;
      /**
       * At once.
       */
      readonly burst: number;
    };
    /**
     * Rooms made or upgraded, by user.
     */
    readonly room_creation: {
      /**
       * In the long run.
       */
      readonly per_second: number;
      /**
       * At once.
       */
      readonly burst: number;
    };
    /**
     * Changes of a profile, each of which goes into all of the user's rooms, by user.
     */
    readonly profile: {
      /**
       * In the long run.
       */
      readonly per_second: number;
      /**
       * At once.
       */
      readonly burst: number;
    };
    /**
     * Everything else that changes something (receipts, typing, tags, account data, push rules, devices), by user.
     */
    readonly writes: {
      /**
       * In the long run.
       */
      readonly per_second: number;
      /**
       * At once.
       */
      readonly burst: number;
    };
    /**
     * Bytes that are sent in bodies, by user, or by address without an access token.
     */
    readonly bytes: {
      /**
       * In the long run.
       */
      readonly per_second: number;
      /**
       * At once.
       */
      readonly burst: number;
    };
    /**
     * Everything that is read, `/sync` too, by user.
     */
    readonly reads: {
      /**
       * In the long run.
       */
      readonly per_second: number;
      /**
       * At once.
       */
      readonly burst: number;
    };
    /**
     * Reads that may cost more: histories, members, relations, directories, by user.
     */
    readonly searches: {
      /**
       * In the long run.
       */
      readonly per_second: number;
      /**
       * At once.
       */
      readonly burst: number;
    };
    /**
     * `/sync` from the beginning or with the full state, by device.
     */
    readonly initial_syncs: {
      /**
       * In the long run.
       */
      readonly per_second: number;
      /**
       * At once.
       */
      readonly burst: number;
    };
    /**
     * Requests without an access token or with a wrong one, by address.
     */
    readonly anonymous: {
      /**
       * In the long run.
       */
      readonly per_second: number;
      /**
       * At once.
       */
      readonly burst: number;
    };
    /**
     * Questions whether a user name is free, by address.
     */
    readonly name_checks: {
      /**
       * In the long run.
       */
      readonly per_second: number;
      /**
       * At once.
       */
      readonly burst: number;
    };
    /**
     * Attempts to log in, by address; `failed_logins` is for accounts.
     */
    readonly login: {
      /**
       * In the long run.
       */
      readonly per_second: number;
      /**
       * At once.
       */
      readonly burst: number;
    };
    /**
     * Wrong passwords, by address and by account. An account is not locked to addresses from which it has logged in lately.
     */
    readonly failed_logins: {
      /**
       * In the long run.
       */
      readonly per_second: number;
      /**
       * At once.
       */
      readonly burst: number;
    };
    /**
     * Requests to register, by address. An account takes two or three.
     */
    readonly registration: {
      /**
       * In the long run.
       */
      readonly per_second: number;
      /**
       * At once.
       */
      readonly burst: number;
    };
  };
  /**
   * How much of the machine is used.
   */
  readonly limits: {
    /**
     * Memory for rooms in use on the write side.
     */
    readonly room_cache_bytes: number;
    /**
     * Memory for nodes of rooms' states.
     */
    readonly state_cache_bytes: number;
    /**
     * How much of the data folder's disk has to be free for anything to be changed: below it commands are refused, and reads go on. Read models are kept up to date down to a quarter of it.
     */
    readonly free_disk_bytes: number;
    /**
     * The largest body of a client's request, media apart.
     */
    readonly request_bytes: number;
    /**
     * The longest that `/sync` waits for news, whatever the client asks for.
     */
    readonly poll_seconds: number;
    /**
     * How long requests under way have to finish when the server is told to stop.
     */
    readonly shutdown_seconds: number;
    /**
     * The most connections of clients to a listener.
     */
    readonly connections: number;
    /**
     * The most of them from one address (for IPv6, from one /64). Connections from this machine and behind a trusted proxy are not counted.
     */
    readonly connections_per_address: number;
    /**
     * How many requests of one user, or of one address without an access token, are worked on at the same time. Waiting polls are not counted.
     */
    readonly requests_at_once: number;
    /**
     * How many more of them wait for their turn; the next is answered by `M_LIMIT_EXCEEDED`.
     */
    readonly requests_waiting: number;
    /**
     * How many polls (`/sync`) of one device wait for news at the same time. When another begins, the oldest is answered.
     */
    readonly polls_per_device: number;
    /**
     * The same for all devices of a user.
     */
    readonly polls_per_user: number;
    /**
     * How long a client may take nothing of an answer, before its connection is ended.
     */
    readonly send_seconds: number;
    /**
     * The most devices that an account can have signed in.
     */
    readonly devices_per_user: number;
    /**
     * The most rooms that a user can be in.
     */
    readonly rooms_per_user: number;
    /**
     * The most account data that a user can keep here, tags and push rules with it.
     */
    readonly account_data_bytes: number;
    /**
     * The most filters that a user can keep here.
     */
    readonly filters_per_user: number;
    /**
     * The most pushers that a user can have.
     */
    readonly pushers_per_user: number;
  };
  /**
   * The registration files (YAML or JSON) of application services.
   *
   * @maxItems 1000
   */
  readonly app_services: readonly string[];
  /**
   * Previews of pages that messages link to.
   */
  readonly url_preview: {
    /**
     * Whether the server fetches pages for its users.
     */
    readonly enabled: boolean;
  };
  /**
   * What `/.well-known/matrix/` says besides `public_baseurl`.
   */
  readonly well_known: {
    /**
     * Where other servers reach this one (`host:port`), if not at `server_name` itself.
     */
    readonly server: string | null;
    /**
     * The identity server that clients should use.
     */
    readonly identity_server: string | null;
  };
  /**
   * The TURN servers that clients are given for calls.
   */
  readonly turn: {
    /**
     * Their URIs; none, no TURN.
     *
     * @maxItems 100
     */
    readonly uris: readonly string[];
    /**
     * The secret shared with the TURN servers, from which each client gets credentials of its own.
     */
    readonly shared_secret: string | null;
    /**
     * How long credentials are good for.
     */
    readonly ttl: number;
    /**
     * The same name for every client, instead of `shared_secret`.
     */
    readonly username: string | null;
    /**
     * The password that goes with `username`.
     */
    readonly password: string | null;
  };
  /**
   * How the server sends e-mail.
   */
  readonly email: {
    /**
     * The mail server.
     */
    readonly smtp: {
      /**
       * Its name or address.
       */
      readonly host: string;
      /**
       * Its TCP port.
       */
      readonly port: number;
      /**
       * The address that e-mail comes from.
       */
      readonly from: string;
    };
  } | null;
  /**
   * Single sign-on by CAS.
   */
  readonly cas: {
    /**
     * The CAS server.
     */
    readonly server_url: string;
  } | null;
  /**
   * What the server says about itself. No token, password or message is ever written.
   */
  readonly logging: {
    /**
     * The least important entries that are written.
     */
    readonly level: 'silent' | 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';
    /**
     * The file that entries are appended to, as lines of JSON; `null` is the standard error output.
     */
    readonly file: string | null;
  };
}
export interface Listener {
  /**
   * The address to listen on; `0.0.0.0` or `::` for every address of the machine.
   */
  readonly host: string;
  /**
   * The TCP port; 0 takes any that is free.
   */
  readonly port: number;
  /**
   * The certificate to serve HTTPS with; `null` serves plain HTTP, for use behind a reverse proxy.
   */
  readonly tls: {
    /**
     * The certificate and those that it was signed with, in PEM form.
     */
    readonly cert_file: string;
    /**
     * The certificate's private key, in PEM form.
     */
    readonly key_file: string;
  } | null;
  /**
   * How many reverse proxies stand before the listener (`true`: one). The address that the outermost of them names in `X-Forwarded-For` is taken for the client's; without it, the limits by address take all clients behind a proxy for one. Only safe where nobody but the proxy reaches the listener.
   */
  readonly trust_proxy: boolean | number;
  /**
   * What is served: the API for clients, the one for other servers, Prometheus metrics at `/metrics`, `/health`.
   *
   * @minItems 1
   */
  readonly resources: readonly ('client' | 'federation' | 'metrics' | 'health')[];
}
