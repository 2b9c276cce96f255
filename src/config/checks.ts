import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { problemAt, type ConfigProblem } from './problems.js';
import type { ConfigPath } from './schema.js';
import type { Config } from './types.js';

type Report = (path: ConfigPath, found: string, expected: string) => void;

/** What a schema cannot say: keys that need each other, files that must be there. The config fits the schema. */
export function checkConfig(config: Config, sources: ReadonlyMap<string, string>): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const report: Report = (path, found, expected) => problems.push(problemAt(path, found, expected, sources));
  checkListeners(config, report);
  checkStores(config, report);
  checkRoles(config, report);
  checkTurn(config, report);
  checkFiles(config, report);
  if (config.public_baseurl !== null && /[?#]/.test(config.public_baseurl)) {
    report(['public_baseurl'], JSON.stringify(config.public_baseurl), 'a URL without a query or fragment');
  }
  return problems;
}

function checkListeners({ listeners }: Config, report: Report): void {
  const seen = new Map<string, number>();
  for (const [i, { host, port, tls }] of listeners.entries()) {
    const address = `${host}:${port}`;
    const earlier = seen.get(address);
    if (port !== 0 && earlier !== undefined) {
      report(['listeners', i], `${address}, as in listeners[${earlier}]`, 'another address or port');
    }
    seen.set(address, i);
    if (tls !== null) checkTls(['listeners', i, 'tls'], tls, report);
  }
}

function checkTls(path: ConfigPath, tls: { cert_file: string; key_file: string }, report: Report): void {
  const cert = read([...path, 'cert_file'], tls.cert_file, report);
  const key = read([...path, 'key_file'], tls.key_file, report);
  if (cert === undefined || key === undefined) return;
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    // OpenSSL's reasons are about the form of the files; they do not quote them.
    report(
      path,
      error instanceof Error ? error.message : 'unusable files',
      'a certificate and its key, in PEM form',
    );
  }
}

function checkStores({ log, read_models }: Config, report: Report): void {
  for (const [name, remote, { adapter, url }] of [
    ['log', 'eventstoredb', log],
    ['read_models', 'mongodb', read_models],
  ] as const) {
    if (adapter === remote && url === null)
      report([name, 'url'], 'null', `a connection string, as ${remote} needs`);
    if (adapter === 'lmdb' && url !== null)
      report([name, 'adapter'], '"lmdb"', `"${remote}", as there is a URL`);
  }
}

function checkRoles({ roles, log }: Config, report: Report): void {
  if (roles === null || log.adapter !== 'lmdb') return;
  report(['roles'], roles.join(','), "none, as the embedded log (log.adapter: lmdb) is one process's");
}

function checkTurn({ turn }: Config, report: Report): void {
  if ((turn.username === null) !== (turn.password === null)) {
    const missing = turn.username === null ? 'username' : 'password';
    report(['turn', missing], 'null', 'username and password together, or neither');
  } else if (turn.uris.length > 0 && turn.shared_secret === null && turn.username === null) {
    report(['turn', 'shared_secret'], 'null', 'a shared secret, or username and password');
  }
}

function checkFiles(config: Config, report: Report): void {
  for (const [i, file] of config.outbound_http.trusted_ca_files.entries()) {
    const path = ['outbound_http', 'trusted_ca_files', i];
    const text = read(path, file, report);
    if (text !== undefined && !isCertificate(text))
      report(path, `no certificate in ${file}`, 'a certificate in PEM form');
  }
  for (const [i, file] of config.app_services.entries()) read(['app_services', i], file, report);
  if (statSync(config.data_dir, { throwIfNoEntry: false })?.isDirectory() === false) {
    report(['data_dir'], `${config.data_dir}, which is a file`, 'a folder');
  }
}

function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).raw.length > 0;
  } catch {
    return false;
  }
}

function read(path: ConfigPath, file: string, report: Report): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    report(path, error instanceof Error ? error.message : file, 'a file that can be read');
    return undefined;
  }
}
