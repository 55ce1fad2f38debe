// oauth4webapi, which knows nothing of the hub but its address, runs the authorization code flow. A line of JSON in, a line out:
// {issuer, client, secret?, redirect, parameters, dpop} → {open: URL} ; {answer: URL} → {token, subject?, graphql, again}.
import { createInterface } from 'node:readline';
import * as oauth from '../../hub/console/node_modules/oauth4webapi/build/index.js';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => JSON.parse((await lines.next()).value);
const write = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const insecure = { [oauth.allowInsecureRequests]: true }; // the tests' hub listens on loopback http

const asked = await read();
const issuer = new URL(asked.issuer);
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }));
const client = { client_id: asked.client };
const proves = asked.secret ? oauth.ClientSecretBasic(asked.secret) : oauth.None();
const keys = asked.dpop ? await oauth.generateKeyPair('ES256', { extractable: true }) : undefined;
const DPoP = keys && oauth.DPoP(client, keys);

const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const open = new URL(as.authorization_endpoint);
const parameters = {
  client_id: asked.client,
  redirect_uri: asked.redirect,
  response_type: 'code',
  state,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  ...asked.parameters,
};
if (DPoP) parameters.dpop_jkt = await DPoP.calculateThumbprint();
for (const [name, value] of Object.entries(parameters)) open.searchParams.set(name, value);
write({ open: open.href });

const { answer } = await read();
try {
  // Checks state, and iss because the metadata promise it (RFC 9207).
  const checked = oauth.validateAuthResponse(as, client, new URL(answer), state);
  const request = () => oauth.authorizationCodeGrantRequest(as, client, proves, checked, asked.redirect, verifier, { DPoP, ...insecure });
  const given = await oauth.processAuthorizationCodeResponse(as, client, await request());
  const headers = new Headers({ 'content-type': 'application/json' });
  const body = JSON.stringify({ query: '{ me { application } }' });
  const called = await oauth.protectedResourceRequest(given.access_token, 'POST', new URL('/graphql', issuer), headers, body, { DPoP, ...insecure });
  const found = await called.json();
  const again = await oauth.processAuthorizationCodeResponse(as, client, await request()).catch((error) => error.error ?? String(error));
  write({ type: given.token_type, scope: given.scope, application: found.data.me.application, again });
} catch (error) {
  write({ failed: error.error ?? error.code ?? String(error) });
}
process.exit(0);
