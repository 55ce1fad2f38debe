/**
 * Where GraphiQL keeps tabs and history: in the browser tab's session, apart for each endpoint.
 * Documents and variables may name persons, so nothing of them outlives the tab on a shared desk.
 */
import type { Storage as GraphiQLStorage } from '@graphiql/toolkit';
import type { Endpoint } from './config';

const HISTORY_KEYS: ReadonlySet<string> = new Set(['graphiql:queries', 'graphiql:favorites']);

/** The history keeps the headers of every call whatever `shouldPersistHeaders` says: tokens are taken out here. */
function withoutHeaders(key: string, value: string): string {
  return HISTORY_KEYS.has(key) ? JSON.stringify(JSON.parse(value, (name, each: unknown) => (name === 'headers' ? undefined : each))) : value;
}

export function sessionStorageFor(endpoint: Endpoint): GraphiQLStorage {
  const prefix = `huitong:${endpoint}:`;
  const ownKeys = (): string[] => Object.keys(sessionStorage).filter((key) => key.startsWith(prefix));
  return {
    getItem: (key) => sessionStorage.getItem(prefix + key),
    setItem: (key, value) => sessionStorage.setItem(prefix + key, withoutHeaders(key, value)),
    removeItem: (key) => sessionStorage.removeItem(prefix + key),
    clear: () => ownKeys().forEach((key) => sessionStorage.removeItem(key)),
    get length() {
      return ownKeys().length;
    },
  };
}
