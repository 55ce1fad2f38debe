// oauth4webapi (panva) drives the hub's OAuth endpoints. Reads {issuer, library, clients} from standard input, writes {flow: result} to standard output.
let text = ''
for await (const chunk of process.stdin) text += chunk
const { issuer, library, clients } = JSON.parse(text)
const oauth = await import(library)

const loopback = { [oauth.allowInsecureRequests]: true }
const resource = new URL(`${issuer}/graphql`)
const typed = { [oauth.modifyAssertion]: (header) => { header.typ = 'client-authentication+jwt' } }
const algorithms = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
  Ed25519: { name: 'Ed25519' },
}

const server = await oauth.processDiscoveryResponse(
  new URL(issuer),
  await oauth.discoveryRequest(new URL(issuer), { algorithm: 'oauth2', ...loopback }),
)

async function token(client, authentication, parameters = {}, options = {}) {
  const sent = new URLSearchParams(parameters)
  const answer = await oauth.clientCredentialsGrantRequest(server, client, authentication, sent, { ...loopback, ...options })
  return oauth.processClientCredentialsResponse(server, client, answer)
}

async function ask(accessToken, options = {}) {
  const headers = new Headers({ 'content-type': 'application/json', accept: 'application/graphql-response+json' })
  const body = JSON.stringify({ query: '{ catalog { __typename } }' })
  return oauth.protectedResourceRequest(accessToken, 'POST', resource, headers, body, { ...loopback, ...options })
}

async function verified(accessToken, headers = {}) {
  const request = new Request(resource, { method: 'POST', headers: { authorization: `Bearer ${accessToken}`, ...headers } })
  return oauth.validateJwtAccessToken(server, request, resource.href, loopback)
}

async function refused(call) {
  try {
    await call()
  } catch (error) {
    if (error instanceof oauth.ResponseBodyError) return { status: error.status, error: error.error }
    if (error instanceof oauth.WWWAuthenticateChallengeError) {
      return { status: error.status, challenges: error.cause.map(({ scheme, parameters }) => ({ scheme, ...parameters })) }
    }
    throw error
  }
  return 'accepted'
}

const secret = { client_id: clients.secret.client_id }
const basic = oauth.ClientSecretBasic(clients.secret.client_secret)

const flows = {
  async discovery() {
    return server
  },
  async protected_resource() {
    return oauth.processResourceDiscoveryResponse(resource, await oauth.resourceDiscoveryRequest(resource, loopback))
  },
  async client_secret_basic() {
    const given = await token(secret, basic, { scope: 'query:unconditional', resource: resource.href })
    return { given, claims: await verified(given.access_token), status: (await ask(given.access_token)).status }
  },
  async wrong_secret() {
    return [
      await refused(() => token(secret, oauth.ClientSecretBasic('wrong'))),
      await refused(() => token({ client_id: 'nobody' }, basic)),
      await refused(() => token(secret, oauth.ClientSecretPost(clients.secret.client_secret))),
      await refused(() => token(secret, basic, { scope: 'governance:security' })),
      await refused(() => token(secret, basic, { resource: 'https://evil.example/' })),
    ]
  },
  async private_key_jwt() {
    const found = {}
    for (const [algorithm, { client_id, kid, jwk }] of Object.entries(clients.keys)) {
      const key = await crypto.subtle.importKey('jwk', jwk, algorithms[algorithm], false, ['sign'])
      const client = { client_id }
      const given = await token(client, oauth.PrivateKeyJwt({ key, kid }, typed))
      const untyped = await refused(() => token(client, oauth.PrivateKeyJwt({ key, kid })))
      const audience = { [oauth.modifyAssertion]: (header, claims) => { typed[oauth.modifyAssertion](header); claims.aud = [claims.aud, server.token_endpoint] } }
      const several = await refused(() => token(client, oauth.PrivateKeyJwt({ key, kid }, audience)))
      found[algorithm] = { claims: await verified(given.access_token), untyped, several }
    }
    return found
  },
  async dpop() {
    const found = {}
    for (const algorithm of ['ES256', 'Ed25519']) {
      const DPoP = oauth.DPoP(secret, await oauth.generateKeyPair(algorithm))
      const given = await token(secret, basic, {}, { DPoP })
      const stolen = oauth.DPoP(secret, await oauth.generateKeyPair(algorithm))
      const headers = new Headers()
      await DPoP.addProof(resource, headers, 'POST', given.access_token)
      const claims = await verified(given.access_token, { authorization: `DPoP ${given.access_token}`, dpop: headers.get('dpop') })
      found[algorithm] = {
        token_type: given.token_type,
        bound: claims.cnf.jkt === (await DPoP.calculateThumbprint()),
        status: (await ask(given.access_token, { DPoP })).status,
        again: (await ask(given.access_token, { DPoP })).status,
        other_key: await refused(() => ask(given.access_token, { DPoP: stolen })),
        bearer: await refused(() => ask(given.access_token)),
        introspected: await introspected(given.access_token),
      }
    }
    return found
  },
  async bound_application() {
    const client = { client_id: clients.bound.client_id }
    const authentication = oauth.ClientSecretBasic(clients.bound.client_secret)
    const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
    const plain = await refused(() => token(client, authentication))
    return { plain, token_type: (await token(client, authentication, {}, { DPoP })).token_type }
  },
  async introspection_and_revocation() {
    const { access_token } = await token(secret, basic)
    const before = await introspected(access_token)
    const tampered = await introspected(`${access_token.slice(0, -4)}AAAA`)
    await oauth.processRevocationResponse(await oauth.revocationRequest(server, secret, basic, access_token, loopback))
    return { before, tampered, after: await introspected(access_token), call: await refused(() => ask(access_token)) }
  },
}

async function introspected(accessToken) {
  return oauth.processIntrospectionResponse(server, secret, await oauth.introspectionRequest(server, secret, basic, accessToken, loopback))
}

const results = {}
for (const [name, flow] of Object.entries(flows)) {
  try {
    results[name] = await flow()
  } catch (error) {
    results[name] = { failed: `${error.name}: ${error.message} ${JSON.stringify(error.cause ?? null)}` }
  }
}
process.stdout.write(JSON.stringify(results))
