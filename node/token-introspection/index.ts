export {
  createClient,
  DEFAULT_INTROSPECTION_TIMEOUT_MS,
  isActiveTokenInfo,
  isClientJwk,
  isClientWalletAddress,
  MAX_INTROSPECTION_ANSWER_BYTES
} from './client.ts'
export type {
  AccessAction,
  AccessItem,
  AccessLimits,
  AccessType,
  ActiveTokenInfo,
  Amount,
  IntrospectionHttpClient,
  IntrospectionLogger,
  IntrospectionRequest,
  JWK,
  TokenInfo,
  TokenInfoClient,
  TokenIntrospectionClient
} from './client.ts'
export { getTokenIntrospectionOpenAPI } from './openapi.ts'
