/** The demo application that the page acts as: kept in memory, never stored. */
import { useSyncExternalStore } from 'react';
import type { Headers } from './headers';

export interface Caller {
  readonly name: string;
  readonly headers: Headers;
  readonly validUntil: Date;
}

let current: Caller | null = null;
const issued = new Set<string>();
const listeners = new Set<() => void>();

export function setCaller(caller: Caller): void {
  current = caller;
  issued.add(caller.headers['Authorization'] ?? '');
  for (const listener of listeners) listener();
}

/** True for credentials that the helper may replace: its own earlier ones. Those a user typed stay. */
export const isReplaceable = (authorization: string | null): boolean => authorization === null || issued.has(authorization);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useCaller = (): Caller | null => useSyncExternalStore(subscribe, () => current);
