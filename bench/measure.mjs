import { NotMeasured } from './row.mjs';

/** Measures a row; what cannot be measured, or fails, is told and stops nobody else. */
export async function measureRow(row, bench) {
  try {
    const { note, ...figures } = await row.measure(bench);
    return note === undefined ? { figures } : { figures, note };
  } catch (error) {
    if (error instanceof NotMeasured) return { missing: error.message };
    console.error(error);
    return { missing: `it failed: ${error.message}`, failed: true };
  }
}
