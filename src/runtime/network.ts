/** A request to another host. */
export interface OutboundRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal;
}

export interface OutboundResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** The port for the network: every request that the server makes goes through it. */
export interface Network {
  fetch(request: OutboundRequest): Promise<OutboundResponse>;
}
