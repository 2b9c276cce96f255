import { describe, expect, it } from 'vitest';
import { schemas } from './support/app.js';

describe('null in a body', () => {
  const rooms = schemas.compile('directory', 'queryPublicRooms');
  const renaming = schemas.compile('devices', 'updateDevice');

  it('counts as absent where a field is optional', () => {
    expect(rooms.body({ since: null, limit: null, filter: {} })).toEqual({ filter: {} });
  });

  it('is kept where it has a meaning of its own', () => {
    expect(rooms.body({ third_party_instance_id: null })).toEqual({ third_party_instance_id: null });
    expect(renaming.body({ display_name: null })).toEqual({ display_name: null });
    const message = schemas.compile('room_send', 'sendMessage');
    expect(message.body({ body: null })).toEqual({ body: null });
  });

  it('is refused where a field is required', () => {
    const kick = schemas.compile('membership', 'kick');
    expect(() => kick.body({ user_id: null, reason: null })).toThrow(/user_id/);
  });
});
