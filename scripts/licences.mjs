// The licences of everything that is installed with the server: `node scripts/licences.mjs`.
// Fails where one is not on the list, or not said.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './prepare.mjs';

/** Licences under which what we distribute may be used with what it is made of. */
const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'Unlicense',
]);

/** `(MIT OR Apache-2.0)` and the like are fine if one of the choices is. */
function isAllowed(licence) {
  return licence
    .replace(/^\(|\)$/g, '')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((each) => ALLOWED.has(each)));
}

const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
const shipped = Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true);
const found = shipped.map(([path, { version, license }]) => ({
  name: path.replace(/^.*node_modules\//, ''),
  version,
  licence: license ?? 'not said',
}));
found.sort((a, b) => (a.name < b.name ? -1 : 1));
for (const { name, version, licence } of found) console.log(`${licence}\t${name} ${version}`);

const refused = found.filter(({ licence }) => !isAllowed(licence));
const unpinned = shipped.filter(([, { integrity }]) => integrity === undefined).map(([path]) => path);
if (refused.length > 0) {
  console.error(
    `Not on the list of licences: ${refused.map(({ name, licence }) => `${name} (${licence})`).join(', ')}`,
  );
}
if (unpinned.length > 0) console.error(`Without a hash in package-lock.json: ${unpinned.join(', ')}`);
process.exitCode = refused.length + unpinned.length > 0 ? 1 : 0;
