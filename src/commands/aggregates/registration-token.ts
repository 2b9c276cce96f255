import type { RecordBody } from '../../log/records.js';

/** The name of a registration token's stream, after the token's hash. */
export function registrationTokenStream(tokenHash: string): string {
  return `registration-token-${tokenHash}`;
}

export type RegistrationToken =
  | { readonly kind: 'unknown' }
  | {
      readonly kind: 'valid';
      /** `null`: any number. */
      readonly usesAllowed: number | null;
      /** Milliseconds since the epoch; `null`: never. */
      readonly expiresAt: number | null;
      /** The users for whom it was spent. */
      readonly usedBy: ReadonlySet<string>;
    };

export const NEW_TOKEN: RegistrationToken = { kind: 'unknown' };

export function evolveRegistrationToken(token: RegistrationToken, record: RecordBody): RegistrationToken {
  if (record.type === 'registration_token.created') {
    const { uses_allowed, expires_at } = record.data;
    return { kind: 'valid', usesAllowed: uses_allowed, expiresAt: expires_at, usedBy: new Set() };
  }
  if (token.kind === 'unknown') return token;
  const usedBy = new Set(token.usedBy);
  if (record.type === 'registration_token.used') usedBy.add(record.data.user_id);
  if (record.type === 'registration_token.released') usedBy.delete(record.data.user_id);
  return { ...token, usedBy };
}
