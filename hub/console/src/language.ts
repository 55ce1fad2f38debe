/** The language of the console's own texts and of the hub's messages: the user's choice, else the browser's, else Chinese. */
import { useSyncExternalStore } from 'react';

export type Language = 'zh' | 'en';

const KEY = 'huitong:language';
const listeners = new Set<() => void>();

function initial(): Language {
  const stored = localStorage.getItem(KEY);
  if (stored === 'zh' || stored === 'en') return stored;
  return navigator.language.toLowerCase().startsWith('en') ? 'en' : 'zh';
}

let current: Language = initial();

export const languageTag = (): string => (current === 'zh' ? 'zh-CN' : 'en');

export function setLanguage(language: Language): void {
  current = language;
  localStorage.setItem(KEY, language);
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useLanguage = (): Language => useSyncExternalStore(subscribe, () => current);
