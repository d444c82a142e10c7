/** The part of JSON Schema that the document below uses. Keywords are of JSON Schema 2020-12. */
export type Schema =
  | { $ref: string }
  | { oneOf: readonly Schema[] }
  | { type: 'string'; enum?: readonly string[]; pattern?: string; description?: string }
  | { type: 'boolean'; const: boolean }
  | { type: 'integer'; minimum: number; maximum: number }
  | { type: 'array'; items: Schema; description?: string }
  | {
      type: 'object'
      properties: Readonly<Record<string, Schema>>
      required?: readonly string[]
      /** False: a member that is not named makes it invalid. Otherwise it means nothing here. */
      additionalProperties?: false
      description?: string
    }

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })

/** What an access token is asked about, and what the answers look like. */
export const tokenIntrospectionOpenApi = {
  openapi: '3.1.0',
  info: {
    title: 'Token introspection of an Open Payments authorization server',
    version: '0.1.0',
    license: { name: 'Apache 2.0', identifier: 'Apache-2.0' }
  },
  paths: {
    '/': {
      post: {
        operationId: 'post-introspection',
        summary: 'What an access token may do (RFC 9767 section 3.3)',
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: {
                type: 'object',
                properties: {
                  access_token: { type: 'string' },
                  access: { type: 'array', items: ref('access-item') }
                },
                required: ['access_token']
              }
            }
          }
        },
        responses: {
          '200': {
            description: 'What the authorization server knows of the token',
            content: { 'application/json': { schema: ref('token-info') } }
          },
          '400': { description: 'The request is not valid' }
        }
      }
    }
  },
  components: {
    schemas: {
      'token-info': { oneOf: [ref('inactive-token'), ref('active-token')] },
      'inactive-token': {
        type: 'object',
        description: 'The token is unknown, expired or revoked',
        properties: { active: { type: 'boolean', const: false } },
        required: ['active']
      },
      'active-token': {
        type: 'object',
        properties: {
          active: { type: 'boolean', const: true },
          grant: { type: 'string', description: 'The id of the grant' },
          access: {
            type: 'array',
            items: ref('access-item'),
            description: 'Items of the grant that cover what was asked for'
          },
          client: { oneOf: [ref('client-by-wallet-address'), ref('client-by-key')] }
        },
        required: ['active', 'grant', 'access', 'client']
      },
      'client-by-wallet-address': {
        type: 'object',
        properties: { walletAddress: { type: 'string' } },
        required: ['walletAddress'],
        additionalProperties: false
      },
      'client-by-key': {
        type: 'object',
        properties: { jwk: ref('json-web-key') },
        required: ['jwk'],
        additionalProperties: false
      },
      'json-web-key': {
        type: 'object',
        properties: {
          kid: { type: 'string' },
          x: { type: 'string' },
          alg: { type: 'string', enum: ['EdDSA'] },
          kty: { type: 'string', enum: ['OKP'] },
          crv: { type: 'string', enum: ['Ed25519'] },
          use: { type: 'string', enum: ['sig'] }
        },
        required: ['kid', 'x', 'alg', 'kty', 'crv']
      },
      'access-item': {
        type: 'object',
        properties: {
          type: { type: 'string', enum: ['incoming-payment', 'outgoing-payment', 'quote'] },
          actions: {
            type: 'array',
            items: {
              type: 'string',
              enum: ['create', 'complete', 'read', 'read-all', 'list', 'list-all']
            }
          },
          identifier: { type: 'string', description: 'The wallet address whose resources these are' },
          limits: ref('limits')
        },
        required: ['type', 'actions']
      },
      limits: {
        type: 'object',
        description: 'Of outgoing payments. A limit that is not known may not be overlooked: none but these',
        properties: {
          receiver: { type: 'string' },
          interval: { type: 'string', description: 'A repeating interval of ISO 8601' },
          debitAmount: ref('amount'),
          receiveAmount: ref('amount')
        },
        additionalProperties: false
      },
      amount: {
        type: 'object',
        properties: {
          value: { type: 'string', pattern: '^[0-9]{1,20}$', description: 'Minor units' },
          assetCode: { type: 'string' },
          assetScale: { type: 'integer', minimum: 0, maximum: 255 }
        },
        required: ['value', 'assetCode', 'assetScale']
      }
    } satisfies Record<string, Schema>
  }
} as const

/** The OpenAPI document that answers are held to. */
export async function getTokenIntrospectionOpenAPI(): Promise<typeof tokenIntrospectionOpenApi> {
  return tokenIntrospectionOpenApi
}
