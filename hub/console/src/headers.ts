/** The JSON of GraphiQL's header editor. */
import { tryParseJSONC } from '@graphiql/react';

export type Headers = Readonly<Record<string, string>>;

const encodeText = (value: string): string => value.replaceAll(/[%\u0080-\u{10ffff}]/gu, encodeURIComponent);

/** `Huitong-Operator` and `Huitong-Case` travel percent-encoded: a name typed in Chinese is encoded here, one already encoded stays. */
export function encodeHeaders(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  const isPlain = /^[\u0000-\u007f]*$/;
  const encode = (name: string, value: string): string =>
    name.toLowerCase().startsWith('huitong-') && !isPlain.test(value) ? encodeText(value) : value;
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, encode(name, String(value))]));
}

/** Puts `wanted` into the editor's text, replacing headers of the same name in any case. Throws when the text is not JSON. */
export function mergeHeaders(text: string, wanted: Headers): string {
  const names = new Set(Object.keys(wanted).map((name) => name.toLowerCase()));
  const kept = Object.entries(tryParseJSONC(text) ?? {}).filter(([name]) => !names.has(name.toLowerCase()));
  return JSON.stringify({ ...Object.fromEntries(kept), ...wanted }, null, 2);
}

/** The credentials that the editor's text holds, or null; malformed text counts as the user's own, not to be touched. */
export function authorizationIn(text: string): string | null {
  try {
    const entry = Object.entries(tryParseJSONC(text) ?? {}).find(([name]) => name.toLowerCase() === 'authorization');
    return entry ? String(entry[1]) : null;
  } catch {
    return text;
  }
}
