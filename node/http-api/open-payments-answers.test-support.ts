import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { appendFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { HttpMethod, isValidationError } from '@interledger/openapi'
import type { OpenAPI } from '@interledger/openapi'
import {
  getAuthServerOpenAPI,
  getResourceServerOpenAPI,
  getWalletAddressServerOpenAPI
} from '@interledger/open-payments'
import { expect } from 'vitest'
import type { HttpClient, HttpRequest, HttpResponse } from '../runtime/index.ts'
import { undocumented } from './undocumented-answers.test-support.ts'
import type { DocumentName } from './undocumented-answers.test-support.ts'

// Every answer that a test gets from an Open Payments door is held to the documents that @interledger/open-payments
// ships: status, body, content type, and the headers that they name. What we answer beyond them stands in one list
// (undocumented-answers.test-support.ts), each with its reason.

/** The doors of a node under test, as `host:port`. */
export interface OpenPaymentsDoors {
  auth?: string
  /** Resource server and wallet addresses. */
  openPayments?: string
}

/** An operation of a document: method in lower case, path as the document has it. */
export interface Operation {
  document: DocumentName
  method: 'get' | 'post' | 'delete'
  path: string
}

const LOADERS: Record<DocumentName, () => Promise<OpenAPI>> = {
  auth: getAuthServerOpenAPI,
  resource: getResourceServerOpenAPI,
  walletAddress: getWalletAddressServerOpenAPI
}
const METHODS = { get: HttpMethod.GET, post: HttpMethod.POST, delete: HttpMethod.DELETE } as const

const AUTH_PATHS: [RegExp, string][] = [
  [/^\/continue\/[^/]+$/, '/continue/{id}'],
  [/^\/token\/[^/]+$/, '/token/{id}'],
  [/^\/[^/]+$/, '/']
]
const RESOURCE_PATHS: [RegExp, string][] = [
  [/^\/[^/]+\/(incoming-payments|outgoing-payments|quotes|outgoing-payment-grant)$/, '/$1'],
  [/^\/[^/]+\/(incoming-payments|outgoing-payments|quotes)\/[^/]+$/, '/$1/{id}'],
  [/^\/[^/]+\/incoming-payments\/[^/]+\/complete$/, '/incoming-payments/{id}/complete']
]
const AUTH_METHODS: Record<string, readonly string[]> = {
  '/': ['post'],
  '/continue/{id}': ['post', 'delete'],
  '/token/{id}': ['post', 'delete']
}
const RESOURCE_METHODS: Record<string, readonly string[]> = {
  '/incoming-payments': ['get', 'post'],
  '/incoming-payments/{id}': ['get'],
  '/incoming-payments/{id}/complete': ['post'],
  '/outgoing-payments': ['get', 'post'],
  '/outgoing-payments/{id}': ['get'],
  '/outgoing-payment-grant': ['get'],
  '/quotes': ['post'],
  '/quotes/{id}': ['get']
}

/** The operation that a request asks for; undefined where no document speaks of it (`/healthz`, the front channel). */
export function operationOf(
  door: keyof OpenPaymentsDoors,
  requestMethod: string,
  pathname: string
): Operation | undefined {
  const method = requestMethod.toLowerCase() as Operation['method']
  if (pathname === '/healthz') return undefined
  const [paths, methods, document] =
    door === 'auth'
      ? ([AUTH_PATHS, AUTH_METHODS, 'auth'] as const)
      : ([RESOURCE_PATHS, RESOURCE_METHODS, 'resource'] as const)
  const match = paths.find(([pattern]) => pattern.test(pathname))
  const path = match && pathname.replace(match[0], match[1])
  if (path !== undefined && methods[path]!.includes(method)) return { document, method, path }
  // Any path may be a wallet address.
  if (door === 'auth' || method !== 'get') return undefined
  const [, file] = /\/(jwks\.json|did\.json)$/i.exec(pathname) ?? []
  return { document: 'walletAddress', method, path: file === undefined ? '/' : `/${file.toLowerCase()}` }
}

/** Raised where an answer fits neither the document nor the list of what we answer beyond it. */
export class UnlawfulAnswerError extends Error {
  override name = 'UnlawfulAnswerError'
}

type Check = (operation: Operation, answer: HttpResponse) => Promise<void>

/** The check of answers. Documents and their validators are loaded once, when an answer needs them. */
export function createAnswerCheck(): Check {
  const documents = new Map<DocumentName, Promise<OpenAPI>>()
  const validators = new Map<string, ReturnType<OpenAPI['createResponseValidator']>>()

  async function documentOf(name: DocumentName): Promise<OpenAPI> {
    let document = documents.get(name)
    if (!document) documents.set(name, (document = LOADERS[name]()))
    return document
  }

  return async (operation, answer) => {
    const { document: name, method, path } = operation
    const { status } = answer
    const document = await documentOf(name)
    const responses = (document.paths[path] as Record<string, { responses?: Responses }> | undefined)?.[
      method
    ]?.responses
    if (!responses) throw new Error(`the document ${name} has no ${method} ${path}`)
    const contentType = String(answer.headers['content-type'] ?? '')
    const body = parse(answer.body, contentType)
    const refuse = (violation: string): never => {
      throw new UnlawfulAnswerError(
        `${method.toUpperCase()} ${path} (${name}) answered ${status}, which does not fit Open Payments: ` +
          `${violation}\n${answer.body.toString('utf8').slice(0, 500)}`
      )
    }

    const known = undocumented(operation, { status, contentType, body })
    const documented = responses[status]
    if (known) {
      if (known.body === 'error') checkErrorForm(name, body, refuse)
      if (documented) checkHeaders(documented.headers ?? {}, answer, refuse)
      return
    }
    if (!documented) refuse('the document has no such status, and the list of undocumented answers neither')
    const types = Object.keys(documented?.content ?? {})
    if (types.length > 0 && !types.some((type) => contentType.startsWith(type))) {
      refuse(`the content type is '${contentType}', not ${types.join(' or ')}`)
    }
    const key = `${name} ${method} ${path}`
    let validate = validators.get(key)
    if (!validate) {
      validators.set(key, (validate = document.createResponseValidator({ path, method: METHODS[method] })))
    }
    try {
      validate({ status, body })
    } catch (error) {
      if (!isValidationError(error)) throw error
      refuse(error.errors.map(({ message }) => message).join('; '))
    }
    checkHeaders(documented!.headers ?? {}, answer, refuse)
  }
}

type Responses = Record<string, { content?: object; headers?: Record<string, unknown> } | undefined>

function parse(body: Buffer, contentType: string): unknown {
  if (body.length === 0) return undefined
  const text = body.toString('utf8')
  return contentType.includes('json') ? (JSON.parse(text) as unknown) : text
}

/** Documents give headers no `required`: one that is there has the form that its description names. */
function checkHeaders(
  named: Record<string, unknown>,
  answer: HttpResponse,
  refuse: (violation: string) => void
): void {
  for (const header of Object.keys(named)) {
    const value = answer.headers[header.toLowerCase()]
    if (header === 'Location' && (typeof value !== 'string' || !URL.canParse(value))) {
      refuse(`Location is no URL: ${String(value)}`)
    }
    if (header === 'WWW-Authenticate' && value !== undefined && !/^GNAP as_uri=https?:/.test(String(value))) {
      refuse(`WWW-Authenticate is not of the form 'GNAP as_uri=<URI>': ${String(value)}`)
    }
  }
}

/** What we say beyond the documents has the form of their errors all the same. */
function checkErrorForm(name: DocumentName, body: unknown, refuse: (violation: string) => void): void {
  const { error } = (body ?? {}) as { error?: { code?: unknown; description?: unknown; details?: unknown } }
  if (typeof error?.description !== 'string') return refuse('error.description must be a string')
  // The validator's own refusals have no code at the authorization server (contract: no code either).
  const needsCode = name !== 'auth' || !error.description.startsWith('Received error validating OpenAPI')
  if (needsCode && typeof error.code !== 'string') refuse('error.code must be a string')
  if (error.details !== undefined && typeof error.details !== 'object') refuse('error.details is no object')
}

/** A client whose answers from these doors are held to the documents. @throws UnlawfulAnswerError from `request` */
export function checkedAgainstOpenPayments(client: HttpClient, doors: OpenPaymentsDoors): HttpClient {
  const check = createAnswerCheck()
  return {
    dispatcher: client.dispatcher,
    close: () => client.close(),
    async request(request: HttpRequest) {
      const answer = await client.request(request)
      const url = new URL(request.url)
      const door = doorOf(doors, url.host)
      const operation = door && operationOf(door, request.method, url.pathname)
      if (operation) await check(operation, answer)
      return answer
    }
  }
}

function doorOf(doors: OpenPaymentsDoors, host: string): keyof OpenPaymentsDoors | undefined {
  return (['auth', 'openPayments'] as const).find((door) => portOf(doors[door]) === portOf(host))
}

/** Doors of tests all lie on the loopback address, under any of its names. */
function portOf(host: string | undefined): string | undefined {
  return host?.split(':')[1]
}

/**
 * Where OPEN_PAYMENTS_SEEN names a file, every answer of these doors is appended to it, whoever asked (the published
 * client does not go through ours): `document <tab> METHOD path <tab> status <tab> test file <tab> test`.
 *
 * @returns what ends the recording
 */
export function recordAnswers(doors: OpenPaymentsDoors): () => void {
  const file = process.env.OPEN_PAYMENTS_SEEN
  if (file === undefined) return () => undefined
  const record = (message: unknown) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse }
    const door = doorOf(doors, `:${request.socket.localPort}`)
    const operation = door && operationOf(door, request.method!, new URL(request.url!, 'http://x').pathname)
    if (!operation) return
    const { currentTestName = '(before the tests)', testPath = '' } = expect.getState()
    const { document, method, path } = operation
    const seen = [document, `${method.toUpperCase()} ${path}`, response.statusCode, testPath, currentTestName]
    appendFileSync(file, `${seen.join('\t')}\n`)
  }
  subscribe('http.server.response.finish', record)
  return () => void unsubscribe('http.server.response.finish', record)
}
