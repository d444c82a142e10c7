/** The OpenAPI files of @interledger/open-payments. */
export type DocumentName = 'auth' | 'resource' | 'walletAddress'

interface Undocumented {
  document: DocumentName
  /** `METHOD path`, as the document has it; absent: every operation of the document. */
  operation?: string
  status: number
  /** The error's code; null: it has none; absent: whatever it is. */
  code?: string | null
  contentType?: string
  /** `error`: of the form of the document's errors. `other`: the tests that ask for it look at it. */
  body: 'error' | 'other'
  reason: string
}

/** Everything that we answer and the documents do not have. An answer that is in neither fails its test. */
export const UNDOCUMENTED: readonly Undocumented[] = [
  // The authorization server.
  ...['POST /', 'POST /continue/{id}', 'DELETE /continue/{id}', 'POST /token/{id}', 'DELETE /token/{id}'].map(
    (operation): Undocumented => ({
      document: 'auth',
      operation,
      status: 400,
      code: null,
      body: 'error',
      reason: 'a request that does not fit the document: the contract has these without a code'
    })
  ),
  ...['DELETE /continue/{id}', 'POST /token/{id}', 'DELETE /token/{id}'].map((operation): Undocumented => ({
    document: 'auth',
    operation,
    status: 400,
    code: 'invalid_client',
    body: 'error',
    reason: 'the key set of the client cannot be read: the contract says 400 wherever a signature is verified'
  })),
  ...['POST /continue/{id}', 'DELETE /continue/{id}', 'POST /token/{id}', 'DELETE /token/{id}'].map(
    (operation): Undocumented => ({
      document: 'auth',
      operation,
      status: 400,
      code: 'invalid_request',
      body: 'error',
      reason: 'a body that is no JSON, or ended early'
    })
  ),
  {
    document: 'auth',
    operation: 'POST /continue/{id}',
    status: 401,
    code: 'invalid_request',
    body: 'error',
    reason: 'a body without interact_ref: the code is the contract’s'
  },
  {
    document: 'auth',
    operation: 'POST /',
    status: 404,
    code: 'invalid_request',
    body: 'error',
    reason: 'no such tenant: the document knows no tenants'
  },
  {
    document: 'auth',
    status: 406,
    code: null,
    body: 'error',
    reason: 'the client takes no JSON (RFC 9110 section 15.5.7)'
  },
  {
    document: 'auth',
    status: 413,
    code: 'invalid_request',
    body: 'error',
    reason: 'the body is longer than its limit (RFC 9110 section 15.5.14)'
  },
  {
    document: 'auth',
    status: 415,
    code: 'invalid_request',
    body: 'error',
    reason: 'the body is no JSON by its content type (RFC 9110 section 15.5.16)'
  },

  // The resource server.
  {
    document: 'resource',
    status: 400,
    body: 'error',
    reason: 'a request that does not fit the document, or that the service refuses: named for quotes alone'
  },
  ...['POST /incoming-payments', 'POST /quotes', 'POST /outgoing-payments'].map(
    (operation): Undocumented => ({
      document: 'resource',
      operation,
      status: 404,
      body: 'error',
      reason: 'no such wallet address at this tenant, or no such quote'
    })
  ),
  {
    document: 'resource',
    operation: 'POST /incoming-payments/{id}/complete',
    status: 409,
    body: 'error',
    reason: 'the payment is over already'
  },
  { document: 'resource', status: 406, body: 'error', reason: 'the client takes no JSON' },
  { document: 'resource', status: 415, body: 'error', reason: 'the body is packed by its content encoding' },
  { document: 'resource', status: 413, body: 'error', reason: 'the body is longer than its limit' },
  {
    document: 'resource',
    status: 500,
    body: 'error',
    reason: 'a defect of ours or a service of ours that is down: an id for the log, nothing more'
  },

  {
    document: 'resource',
    operation: 'POST /outgoing-payments',
    status: 503,
    body: 'error',
    reason: 'other payments hold the grant for longer than one waits'
  },

  // The wallet address server.
  {
    document: 'walletAddress',
    status: 404,
    code: '404',
    body: 'error',
    reason:
      'the document gives 404 no body (did.json no 404); the contract’s has the address that was asked for'
  },
  {
    document: 'walletAddress',
    operation: 'GET /',
    status: 302,
    contentType: 'text/',
    body: 'other',
    reason: 'a link for browsers that do not follow: the document gives 302 no body'
  },
  {
    document: 'walletAddress',
    operation: 'GET /',
    status: 200,
    contentType: 'application/spsp4+json',
    body: 'other',
    reason: 'SPSP (RFC 9): the document does not know it'
  },
  {
    document: 'walletAddress',
    operation: 'GET /',
    status: 400,
    body: 'error',
    reason: 'SPSP with half of what receipts need'
  }
]

/** The entry for an answer, if there is one. */
export function undocumented(
  { document, method, path }: { document: DocumentName; method: string; path: string },
  answer: { status: number; contentType: string; body: unknown }
): Undocumented | undefined {
  const operation = `${method.toUpperCase()} ${path}`
  const code = (answer.body as { error?: { code?: unknown } } | undefined)?.error?.code
  return UNDOCUMENTED.find(
    (entry) =>
      entry.document === document &&
      (entry.operation === undefined || entry.operation === operation) &&
      entry.status === answer.status &&
      (entry.code === undefined || entry.code === (code ?? null)) &&
      (entry.contentType === undefined || answer.contentType.startsWith(entry.contentType))
  )
}
