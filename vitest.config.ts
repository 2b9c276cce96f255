import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Where others share the machine, a test of several processes may come too late: once more, and the report says so.
    retry: process.env['CI'] === undefined ? 0 : 1,
  },
});
