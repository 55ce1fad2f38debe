/** The two addresses that exist in demo mode only. */
import type { Endpoint } from './config';
import type { Headers } from './headers';
import { languageTag } from './language';

export interface DemoApplication {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly purposes: readonly string[];
  readonly operator: string;
}

export interface DemoToken {
  readonly access_token: string;
  readonly expires_in: number; // seconds
  readonly headers: Headers;
}

/** What the hub says about a refused request, in the console's language; else the answer's beginning. */
function refusal(response: Response, body: string): Error {
  const status = `${response.status} ${response.statusText}`.trim();
  try {
    const { message, messageEn } = JSON.parse(body) as { message?: string; messageEn?: string };
    return new Error(`${languageTag() === 'en' ? messageEn : message} (${status})`);
  } catch {
    return new Error(`${status} ${body.slice(0, 200)}`);
  }
}

async function json<T>(path: string, init: RequestInit): Promise<T> {
  const response = await fetch(path, { credentials: 'omit', ...init, headers: { ...init.headers, 'Accept-Language': languageTag() } });
  const body = await response.text();
  if (!response.ok) throw refusal(response, body);
  return JSON.parse(body) as T;
}

export const demoApplications = (endpoint: Endpoint): Promise<DemoApplication[]> => json(`/console/demo-applications?endpoint=${endpoint}`, {});

export const demoToken = (name: string): Promise<DemoToken> =>
  json('/console/demo-token', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ name }) });
