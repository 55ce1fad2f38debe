/** What the hub tells the page about itself, in <meta> elements: an inline script would need a weaker Content-Security-Policy. */

export type Endpoint = 'data' | 'governance';

export interface PageConfig {
  readonly endpoint: Endpoint;
  readonly demo: boolean;
}

export const ENDPOINT_PATHS: Readonly<Record<Endpoint, string>> = {
  data: '/graphql',
  governance: '/governance/graphql',
};

function meta(name: string): string {
  return document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? '';
}

export function readConfig(): PageConfig {
  return {
    endpoint: meta('huitong-endpoint') === 'governance' ? 'governance' : 'data',
    demo: meta('huitong-demo') === '1',
  };
}
