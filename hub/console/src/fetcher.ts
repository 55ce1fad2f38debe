/** GraphQL over HTTP, POST only. A request is an observable, so that GraphiQL's stop button ends it and the hub can cancel its statements. */
import type { Fetcher, FetcherOpts, FetcherParams } from '@graphiql/toolkit';
import type { ExecutionResult } from 'graphql';
import { ENDPOINT_PATHS, type Endpoint } from './config';
import { departmentsHeader, departmentsIn, LIST_QUERY, setDepartments } from './departments';
import { encodeHeaders } from './headers';
import { bearer, refused } from './login';
import { languageTag } from './language';
import { texts } from './texts';

type Answer = Record<string, unknown>;

interface Observer {
  next(value: ExecutionResult): void;
  error(error: unknown): void;
  complete(): void;
}

const EXCERPT = 500; // characters of a foreign answer (a proxy's page) that are shown

const both = (key: 'unreachable' | 'notJson'): string => `${texts.zh[key]} ${texts.en[key]}`;

function isObject(value: unknown): value is Answer {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parse(body: string): Answer {
  try {
    const value: unknown = JSON.parse(body);
    if (isObject(value)) return value;
  } catch {
    // told below, with what came instead
  }
  return { errors: [{ message: both('notJson'), answer: body.slice(0, EXCERPT) }] };
}

/** Just after a change of tab GraphiQL still names the former tab's operation; a name that the document does not have is left out. */
function withOwnOperation(params: FetcherParams): FetcherParams {
  const names = [...params.query.matchAll(/\b(?:query|mutation)\s+(\w+)/g)].map((match) => match[1]);
  return params.operationName && !names.includes(params.operationName) ? { ...params, operationName: null } : params;
}

/** The credentials of whoever is logged in, unless the header editor holds some. */
function withLogin(headers: Record<string, string>): Record<string, string> {
  const own = bearer();
  const hasCredentials = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
  return own === null || hasCredentials ? headers : { ...headers, Authorization: own };
}

async function send(path: string, params: FetcherParams, opts: FetcherOpts | undefined, signal: AbortSignal): Promise<Answer> {
  const headers = withLogin(encodeHeaders(opts?.headers ?? {}));
  const response = await fetch(path, {
    method: 'POST',
    credentials: 'omit',
    signal,
    headers: {
      Accept: 'application/graphql-response+json, application/json;q=0.9',
      'Accept-Language': languageTag(),
      'Content-Type': 'application/json',
      ...headers,
    },
    body: JSON.stringify(withOwnOperation(params)),
  });
  if (response.status === 401) refused(headers['Authorization']);
  const answer = parse(await response.text());
  return response.ok ? answer : { http: `${response.status} ${response.statusText}`.trim(), ...answer };
}

const INTROSPECTION = 'IntrospectionQuery';

/** GraphiQL repeats an introspection whose answer has no `data`: a second refusal would tell nothing new and be one more entry in the ledger. */
function settle(params: FetcherParams, answer: Answer): Answer {
  return params.operationName === INTROSPECTION && !('data' in answer) ? { ...answer, data: null } : answer;
}

/** Of many departments only those chosen are read: their list comes first. A refusal of the list is the answer; a second one would tell nothing new. */
async function introspect(path: string, params: FetcherParams, opts: FetcherOpts | undefined, signal: AbortSignal): Promise<Answer> {
  const listed = await send(path, { query: LIST_QUERY, operationName: 'Departments' }, opts, signal);
  if (!isObject(listed['data'])) return listed;
  setDepartments(departmentsIn(listed['data']));
  return send(path, params, { ...opts, headers: { ...opts?.headers, ...departmentsHeader() } }, signal);
}

function failure(error: unknown): Answer {
  const detail = error instanceof Error ? error.message : String(error);
  // fetch() reports a refused connection and a header that cannot be sent alike, as TypeError: the detail tells them apart.
  return { errors: [{ message: both('unreachable'), detail }] };
}

export function fetcherFor(endpoint: Endpoint): Fetcher {
  const path = ENDPOINT_PATHS[endpoint];
  return (params, opts) => ({
    subscribe(observer: Observer) {
      const controller = new AbortController();
      const ask = endpoint === 'data' && params.operationName === INTROSPECTION ? introspect : send;
      ask(path, params, opts, controller.signal)
        .catch(failure)
        .then((answer) => {
          if (controller.signal.aborted) return;
          observer.next(settle(params, answer) as ExecutionResult);
          observer.complete();
        })
        .catch(observer.error);
      return { unsubscribe: () => controller.abort() };
    },
  });
}
