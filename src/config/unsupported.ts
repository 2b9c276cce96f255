import type { Config } from './types.js';

/** Keys of the configuration that ask for what this version does not have: the operator is told at start. */
export function unsupportedKeys(config: Config): string[] {
  const asked: readonly [key: string, isAsked: boolean][] = [
    ['app_services', config.app_services.length > 0],
    ['url_preview', config.url_preview.enabled],
    ['email', config.email !== null],
    ['cas', config.cas !== null],
    ['registration.recaptcha', config.registration.recaptcha !== null],
    ['listeners: federation', config.listeners.some(({ resources }) => resources.includes('federation'))],
  ];
  return asked.flatMap(([key, isAsked]) => (isAsked ? [key] : []));
}

/** Stores that the configuration names and this version has no adapter for: nothing can be done without them. */
export function unsupportedStores(config: Config): string[] {
  return [config.log.adapter, config.read_models.adapter].filter((adapter) => adapter !== 'lmdb');
}
