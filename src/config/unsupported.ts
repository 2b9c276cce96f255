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
