// A process that a load comes from. It is told which exported `loads` function of which module to run, and sends back
// what that gives.
import { nextMessage } from './load.mjs';

const [, , module, name] = process.argv;
// Nobody waits for it any more.
process.once('disconnect', () => process.exit(1));
try {
  const args = await nextMessage();
  const { loads } = await import(module);
  const result = await loads[name](args);
  process.send({ result: result ?? null }, () => process.exit(0));
} catch (error) {
  console.error(error);
  process.exit(1);
}
