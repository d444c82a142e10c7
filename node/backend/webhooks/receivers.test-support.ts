import { serveHttp } from '../../runtime/index.ts'
import type { HttpClient, HttpServer, Runtime } from '../../runtime/index.ts'
import type { Tenant } from '../tenants/model.ts'
import { createWebhookCheck } from './payloads.test-support.ts'
import type { WebhookBody } from './payloads.test-support.ts'

/** Where it does not matter who chose a URL. */
export function byTrust(httpClient: HttpClient): { plain: HttpClient; guarded: HttpClient } {
  return { plain: httpClient, guarded: httpClient }
}

/** One attempt that reached a receiver. */
export interface Arrival {
  body: WebhookBody
  atMs: number
  /** The header `Rafiki-Signature`. */
  signature: string | undefined
  /** What it was answered; 0: nothing. */
  status: number
}

/** A wallet's door, with a tenant of its own whose settings lead there. */
export interface TestReceiver {
  tenant: Tenant
  arrivals: Arrival[]
  /** Answers 200 to everything from now on. */
  heal(): void
  stop(): Promise<void>
}

export interface ReceiverBehaviour {
  /** Milliseconds until the answer. Not given: at once. */
  delayMs?: number
  /** The status of an answer; 0: never answered. Not given: 200. */
  status?(arrival: WebhookBody): number | Promise<number>
  /** What an answer at once carries. Not given: nothing. */
  answerBody?: string
  webhookTimeoutMs?: number
  webhookMaxRetry?: number
}

/** Opens a receiver that behaves so. @throws (on `stop`) when it was sent what the contract does not know */
export async function openReceiver(
  runtime: Runtime,
  tenantId: string,
  {
    delayMs = 0,
    status = () => 200,
    answerBody = '',
    webhookTimeoutMs = 2_000,
    webhookMaxRetry = 10
  }: ReceiverBehaviour = {}
): Promise<TestReceiver> {
  const check = createWebhookCheck()
  const problems: string[] = []
  const arrivals: Arrival[] = []
  let isHealed = false
  const server: HttpServer = await serveHttp(runtime, { host: '127.0.0.1', port: 0 }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as WebhookBody
      const problem = check(body)
      if (problem !== undefined) problems.push(problem)
      const signature = request.headers['rafiki-signature'] as string | undefined
      const arrival: Arrival = { body, signature, atMs: runtime.clock.monotonicMs(), status: 0 }
      arrivals.push(arrival)
      const answer = (code: number) => {
        arrival.status = code
        if (code === 0) return
        if (delayMs === 0 || isHealed) response.writeHead(code).end(answerBody)
        else runtime.clock.setTimer(delayMs, () => response.writeHead(code).end())
      }
      const code = isHealed ? 200 : status(body)
      if (typeof code === 'number') answer(code)
      else void code.then(answer)
    })
  })
  return {
    tenant: {
      id: tenantId,
      apiSecret: 'x',
      createdAt: new Date(0),
      isOperator: false,
      ownSettings: [],
      settings: {
        webhookUrl: `http://127.0.0.1:${server.address.port}/`,
        webhookTimeoutMs,
        webhookMaxRetry,
        ilpAddress: 'test.acacia.x'
      }
    },
    arrivals,
    heal() {
      isHealed = true
    },
    async stop() {
      await server.stop(0)
      if (problems.length > 0) throw new Error(problems.join('\n'))
    }
  }
}
