import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createHttpClient, createSystemRuntime } from '../../node/runtime/index.ts'
import { freePorts } from '../services/free-ports.ts'

/** What stands before a node's Admin API and can keep it from answering, in part or at all. */
export interface OverviewNode {
  readonly graphqlUrl: string
  /** Answers what `health` says. */
  readonly healthUrl: string
  /** Operations that are answered with an error of the code, by their names. */
  readonly refused: Map<string, string>
  /** Operations that get no answer: their connections are broken. */
  readonly broken: Set<string>
  /** Of `/healthz`: the status, or nothing at all. */
  health: number | 'silent'
  stop(): Promise<void>
}

/** Opens the door before `graphqlUrl`; everything is passed on until something else is asked for. */
export async function openOverviewNode(graphqlUrl: string): Promise<OverviewNode> {
  const http = createHttpClient(createSystemRuntime({ name: 'overview node', logLevel: 'silent' }))
  const refused = new Map<string, string>()
  const broken = new Set<string>()
  const [port] = await freePorts(1)
  const node: OverviewNode = {
    graphqlUrl: `http://127.0.0.1:${port}/graphql`,
    healthUrl: `http://127.0.0.1:${port}/healthz`,
    refused,
    broken,
    health: 200,
    async stop() {
      await new Promise<void>((resolve) => server.close(() => resolve()).closeAllConnections())
      await http.close()
    }
  }
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return node

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/healthz') {
      if (node.health !== 'silent') response.writeHead(node.health).end()
      return
    }
    const body = await readBody(request)
    const { operationName } = JSON.parse(body) as { operationName: string }
    if (broken.has(operationName) || broken.has('everything')) {
      request.socket.destroy()
      return
    }
    const code = refused.get(operationName)
    if (code !== undefined) {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ data: null, errors: [{ message: 'refused', extensions: { code } }] }))
      return
    }
    const { 'tenant-id': tenantId, signature } = request.headers
    const passed = await http.request({
      method: 'POST',
      url: graphqlUrl,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        'tenant-id': String(tenantId),
        signature: String(signature)
      },
      body
    })
    response.writeHead(passed.status, { 'content-type': 'application/json' }).end(passed.body)
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
