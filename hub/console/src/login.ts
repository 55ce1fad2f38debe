/**
 * Logging in as a person: authorization code with PKCE S256 (RFC 7636). The token is kept in memory alone;
 * verifier and state wait in sessionStorage while the browser is at the login page.
 */
import { useSyncExternalStore } from 'react';
import { ENDPOINT_PATHS, type Endpoint } from './config';
import { languageTag } from './language';

export interface Person {
  readonly name: string;
  readonly displayName: string;
  /** The application that the person acts for, or null. */
  readonly application: string | null;
  /** Those that the person may act for. */
  readonly applications: readonly string[];
  /** The token of the session's forms; null where the browser has no session. */
  readonly csrf: string | null;
}

export type Problem = 'insecure' | 'interrupted' | 'denied' | 'unreachable';

export interface Login {
  readonly person: Person | null;
  /** The hub no longer takes the token. */
  readonly expired: boolean;
  readonly problem: Problem | null;
  /** The address at which the hub wants people to log in, where this page was opened at another. */
  readonly elsewhere: string | null;
}

interface Pending {
  readonly state: string;
  readonly verifier: string;
  readonly endpoint: Endpoint;
}

interface Metadata {
  readonly issuer: string;
  readonly authorization_endpoint: string;
}

const CLIENT = 'huitong-console';
const CALLBACK = '/console/callback';
const KEY = 'huitong:login';
const NOBODY: Login = { person: null, expired: false, problem: null, elsewhere: null };

let token: string | null = null;
let current: Login = NOBODY;
const listeners = new Set<() => void>();

function set(change: Partial<Login>): void {
  current = { ...current, ...change };
  for (const listener of listeners) listener();
}

/** The credentials of whoever is logged in. */
export const bearer = (): string | null => (token === null ? null : `Bearer ${token}`);

/** To be told of a 401: if it was this login's token, logging in again is offered. */
export function refused(authorization: string | undefined): void {
  if (authorization !== undefined && authorization === bearer()) set({ expired: true });
}

function base64url(bytes: ArrayBuffer | Uint8Array): string {
  const text = String.fromCharCode(...new Uint8Array(bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes)));
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

const random = (): string => base64url(crypto.getRandomValues(new Uint8Array(32)));

const hash = async (text: string): Promise<string> => base64url(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));

async function json<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(path, { credentials: 'omit', ...init });
  if (!response.ok) throw new Error(`${response.status}`);
  return (await response.json()) as T;
}

/** Leaves for the login page; the browser comes back to CALLBACK. `application`: to act for. */
export async function logIn(endpoint: Endpoint, application?: string): Promise<void> {
  if (!globalThis.isSecureContext) return set({ problem: 'insecure' });
  try {
    const { issuer, authorization_endpoint } = await json<Metadata>('/.well-known/oauth-authorization-server');
    if (issuer !== location.origin) return set({ elsewhere: issuer + ENDPOINT_PATHS[endpoint] });
    const pending: Pending = { state: random(), verifier: random(), endpoint };
    sessionStorage.setItem(KEY, JSON.stringify(pending));
    const parameters = new URLSearchParams({
      response_type: 'code',
      client_id: CLIENT,
      redirect_uri: issuer + CALLBACK,
      state: pending.state,
      code_challenge: await hash(pending.verifier),
      code_challenge_method: 'S256',
    });
    if (application !== undefined) parameters.set('application', application);
    location.assign(`${authorization_endpoint}?${parameters}`);
  } catch {
    set({ problem: 'unreachable' });
  }
}

function pendingLogin(): Pending | null {
  const text = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  try {
    return text === null ? null : (JSON.parse(text) as Pending);
  } catch {
    return null;
  }
}

async function exchange(code: string, verifier: string): Promise<void> {
  const form = { grant_type: 'authorization_code', client_id: CLIENT, redirect_uri: location.origin + CALLBACK, code, code_verifier: verifier };
  const given = await json<{ access_token: string }>('/oauth/token', { method: 'POST', body: new URLSearchParams(form) });
  const headers = { Authorization: `Bearer ${given.access_token}`, 'Accept-Language': languageTag() };
  const person = await json<Person>('/console/person', { headers, credentials: 'same-origin' });
  token = given.access_token;
  set({ ...NOBODY, person });
}

/** Ends a login that comes back to this page; returns the endpoint where it began, or null where none did. */
export async function returnFromLogin(): Promise<Endpoint | null> {
  if (location.pathname !== CALLBACK) return null;
  const pending = pendingLogin();
  const answer = new URLSearchParams(location.search);
  const endpoint = pending?.endpoint === 'governance' ? 'governance' : 'data';
  // The code leaves the address bar and the history before anything else is done.
  history.replaceState(null, '', ENDPOINT_PATHS[endpoint]);
  // Another state is another login's answer, another iss another server's (RFC 9700 §2.1, RFC 9207).
  const isOurs = pending !== null && answer.get('state') === pending.state && answer.get('iss') === location.origin;
  const code = answer.get('code');
  if (!isOurs) set({ problem: 'interrupted' });
  else if (code === null) set({ problem: 'denied' });
  else await exchange(code, pending.verifier).catch(() => set({ problem: 'interrupted' }));
  return endpoint;
}

/** Revokes the token, ends the browser's session and shows the page anew. */
export async function logOut(): Promise<void> {
  const gone = token;
  const csrf = current.person?.csrf ?? null;
  token = null;
  try {
    if (gone !== null) await fetch('/oauth/revoke', { method: 'POST', credentials: 'omit', body: new URLSearchParams({ client_id: CLIENT, token: gone }) });
    if (csrf !== null) await fetch('/account/logout', { method: 'POST', credentials: 'same-origin', redirect: 'manual', body: new URLSearchParams({ csrf }) });
    location.reload();
  } catch {
    set({ ...NOBODY, problem: 'unreachable' });
  }
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useLogin = (): Login => useSyncExternalStore(subscribe, () => current);
